"""The side tables of a segment against what its records say they must hold."""

from collections.abc import Sequence

from refold.eventlog.ledger import Ledger, Line, Told
from refold.eventlog.log import CorruptRecord
from refold.eventlog.segment import Segment
from refold.eventlog.tables import NUMBER, PLACE, pack_head, pack_known, pack_name, unpack_head


def compare_rows(segment: Segment, lines: Sequence[Line], told: Sequence[Told]) -> None:
    """Raise `CorruptRecord` where the index or the table of commands says otherwise."""
    dbs = segment.environment.dbs
    with segment.environment.read() as look:
        for line in lines:
            place = PLACE.pack(line.number, line.version)
            if look.get(place, db=dbs.streams) != NUMBER.pack(line.position):
                raise CorruptRecord(line.position, "the index of its stream does not lead to it")
        for one in told:
            if look.get(one.command.encode(), db=dbs.commands) != pack_known(one.known):
                raise CorruptRecord(one.known.first, f"command {one.command!r} is not remembered as it was")


def miss_none(segment: Segment, end: int) -> None:
    """Raise `CorruptRecord` if some stream is known to go beyond the end of what is there."""
    dbs = segment.environment.dbs
    with segment.environment.read() as look, look.cursor(dbs.heads) as cursor:
        if segment.end_in(look) == end and any(
            unpack_head(head).position >= end for head in cursor.iternext(keys=False, values=True)
        ):
            raise CorruptRecord(end, "it is missing")


def compare_catalogue(segment: Segment, ledger: Ledger, commands: int) -> bool:
    """Compare the whole tables; return False when the segment has grown and must be read on.

    One look at one state: a writer may be at work.
    """
    dbs = segment.environment.dbs
    with segment.environment.read() as look:
        if segment.end_in(look) != ledger.end:
            return False
        for stream, name in ledger.names.items():
            if look.get(stream.encode(), db=dbs.names) != pack_name(name):
                raise CorruptRecord(name.first, f"the catalogue does not know stream {stream!r} as it began")
            head = ledger.heads[stream]
            if look.get(NUMBER.pack(name.number), db=dbs.heads) != pack_head(head):
                raise CorruptRecord(head.position, f"the catalogue has another end of stream {stream!r}")
        rows = (
            ("names", dbs.names, len(ledger.names)),
            ("heads", dbs.heads, len(ledger.heads)),
            ("streams", dbs.streams, ledger.end - segment.base),
            ("commands", dbs.commands, commands),
        )
        for table, db, expected in rows:
            found = look.stat(db)["entries"]
            if found != expected:
                raise CorruptRecord(
                    ledger.end, f"table {table} has {found} rows, the log comes to {expected}"
                )
        with look.cursor(dbs.agenda) as cursor:
            strangers = [
                key for key in cursor.iternext(keys=True, values=False) if key.decode() not in ledger.names
            ]
        if strangers:
            raise CorruptRecord(ledger.end, f"the agenda names a stream that is not there: {strangers[0]!r}")
    return True
