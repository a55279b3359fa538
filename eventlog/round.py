"""One write transaction seen as tables: what admission asks of it, and what is written into it."""

from collections.abc import Sequence

import lmdb
from lmdb import Transaction
from msgspec import Struct

from refold.eventlog.admission import Admitted, Known
from refold.eventlog.codec import decode
from refold.eventlog.header import Reference, digest_of
from refold.eventlog.lineage import Fork, spans
from refold.eventlog.log import Head
from refold.eventlog.reader import Reader
from refold.eventlog.record import Record
from refold.eventlog.segment import Segment
from refold.eventlog.tables import (
    NUMBER,
    PLACE,
    Name,
    Row,
    pack_head,
    pack_known,
    pack_name,
    unpack_head,
    unpack_known,
    unpack_name,
)

TIPS_MAX = 50_000


class Tip(Struct, frozen=True, gc=False):
    """A stream's number and where it ends."""

    number: int
    head: Head


class Tips:
    """Where log and streams ended in our last commit: true until somebody else has committed."""

    def __init__(self) -> None:
        self._tips: dict[str, Tip] = {}
        self._at = (0, 0)
        self._end: int | None = None

    def before(self, segment: int, transaction: int) -> tuple[dict[str, Tip], int | None]:
        """Return what is known at the start of a transaction, to which what is learnt may be added.

        With it comes the position at which the log ended, None when someone else may have moved it.
        """
        if self._at != (segment, transaction - 1):
            self._tips.clear()
            self._end = None
        elif len(self._tips) > TIPS_MAX:
            self._tips.clear()
        return self._tips, self._end

    def committed(self, segment: int, transaction: int, moved: dict[str, Tip], end: int) -> None:
        self._at = (segment, transaction)
        self._end = end
        self._tips.update(moved)


class Round:
    """The tables as of one write transaction, and what it adds to them.

    Rows are collected and written table by table at the end: in the order of their keys they cost half.
    """

    def __init__(
        self,
        transaction: "Transaction[bytes]",
        segment: Segment,
        before: Segment | None,
        reader: Reader,
        tips: Tips,
    ) -> None:
        self._transaction = transaction
        self._segment = segment
        self._before = before
        self._reader = reader
        self._dbs = segment.environment.dbs
        self._tips = tips
        self._number = transaction.id()
        self._known, end = tips.before(segment.number, self._number)
        self._moved: dict[str, Tip] = {}
        self._first = self.end = segment.end_in(transaction) if end is None else end
        self._numbers: int | None = None
        self._log: list[Row] = []
        self._places: dict[bytes, bytes] = {}
        self._told: dict[str, Known] = {}

    @property
    def written(self) -> int:
        return len(self._log)

    def _tip(self, stream: str) -> Tip | None:
        tip = self._moved.get(stream) or self._known.get(stream)
        if tip is None:
            name = self._transaction.get(stream.encode(), db=self._dbs.names)
            if name is None:
                return None
            number = unpack_name(name).number
            head = self._transaction.get(NUMBER.pack(number), b"", db=self._dbs.heads)
            tip = self._known[stream] = Tip(number, unpack_head(head))
        return tip

    def head(self, stream: str) -> Head | None:
        tip = self._tip(stream)
        return None if tip is None else tip.head

    def command(self, name: str, /) -> Known | None:
        told = self._told.get(name)
        if told is not None:
            return told
        found = self._transaction.get(name.encode(), db=self._dbs.commands)
        if found is not None:
            return unpack_known(found)
        return None if self._before is None else self._before.command(name)

    def digest_at(self, stream: str, version: int) -> bytes | None:
        """Look here first: what this transaction sees is the truth; sealed segments cannot change."""
        for span in spans(stream, version, version, self._fork):
            tip = self._tip(span.stream)
            if tip is None:
                return None
            number = tip.number
            place = PLACE.pack(number, version)
            found = self._places.get(place) or self._transaction.get(place, db=self._dbs.streams)
            if found is not None:
                return digest_of(self._stored(NUMBER.unpack(found)[0]))
            return self._reader.sealed_digest(number, version)
        return None

    def recorded(self, positions: Sequence[int]) -> tuple[Record, ...]:
        """Return the records at these positions, of this segment or an older one."""
        found: list[Record] = []
        for position in positions:
            if position < self._segment.base:
                found.extend(self._reader.at((position,)))
                continue
            stored = self._stored(position)
            found.append(decode(stored, position, log=self._segment.log, fetch=self._fetch))
        return tuple(found)

    def _stored(self, position: int) -> bytes:
        if position >= self._first:
            return self._log[position - self._first][1]
        return self._transaction.get(NUMBER.pack(position), b"", db=self._dbs.log)

    def _fetch(self, reference: Reference) -> bytes | None:
        return self._transaction.get(reference.sha256, db=self._dbs.payloads)

    def _fork(self, stream: str) -> Fork | None:
        name = self._transaction.get(stream.encode(), db=self._dbs.names)
        return None if name is None else unpack_name(name).fork

    def keep(self, admitted: Admitted) -> None:
        """Take in one append, which `commit` makes durable with the others."""
        append, head = admitted.append, admitted.head
        tip = self._tip(append.stream)
        number = self._introduce(admitted) if tip is None else tip.number
        first = position = self.end
        version = head.version - len(admitted.stored) + 1
        for stored in admitted.stored:
            key = NUMBER.pack(position)
            self._log.append((key, stored))
            self._places[PLACE.pack(number, version)] = key
            position += 1
            version += 1
        for command in append.commands:
            self._told[command.id] = Known(first, command.events, command.content)
            first += command.events
        for reference, text in append.payloads:
            self._transaction.put(reference.sha256, text, db=self._dbs.payloads, overwrite=False)
        if append.agenda:
            self._transaction.put(append.name, append.agenda, db=self._dbs.agenda)
        elif append.agenda is not None:
            self._transaction.delete(append.name, db=self._dbs.agenda)
        self.end = position
        self._moved[append.stream] = Tip(number, head)

    def _introduce(self, admitted: Admitted) -> int:
        append = admitted.append
        number = self._numbers if self._numbers is not None else self._count()
        self._numbers = number + 1
        fork = None if append.fork is None else Fork(append.fork.parent, append.fork.version)
        name = Name(number, admitted.records[0].position, fork)
        self._transaction.put(append.name, pack_name(name), db=self._dbs.names)
        return number

    def _count(self) -> int:
        with self._transaction.cursor(self._dbs.heads) as cursor:
            return int(NUMBER.unpack(cursor.key())[0]) + 1 if cursor.last() else 0

    def commit(self) -> None:
        """Write what was taken in, and make everything durable."""
        dbs = self._dbs
        self._write(dbs.log, self._log, append=True)
        self._write(dbs.streams, list(self._places.items()))
        self._write(dbs.commands, [(name.encode(), pack_known(known)) for name, known in self._told.items()])
        heads = [(NUMBER.pack(tip.number), pack_head(tip.head)) for tip in self._moved.values()]
        self._write(dbs.heads, heads)
        self._transaction.commit()
        self._tips.committed(self._segment.number, self._number, self._moved, self.end)

    def _write(self, table: "lmdb._Database", rows: list[Row], *, append: bool = False) -> None:
        """Write rows of one table; `append` those whose keys go on from the last one there."""
        if len(rows) == 1:
            key, value = rows[0]
            added = int(self._transaction.put(key, value, db=table, append=append))
        else:
            rows.sort()
            with self._transaction.cursor(table) as cursor:
                _, added = cursor.putmulti(rows, append=append)
        if added != len(rows):  # it skips in silence what does not go on from the last key
            raise lmdb.CorruptedError(f"{len(rows)} rows were to be added, not {added}")
