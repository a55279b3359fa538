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
    """Where streams ended in our last commit: true for as long as nobody else has committed since."""

    def __init__(self) -> None:
        self._tips: dict[str, Tip] = {}
        self._at = (0, 0)

    def before(self, segment: int, transaction: int) -> dict[str, Tip]:
        """Return what is known at the start of a transaction; what is learnt may be added."""
        if self._at != (segment, transaction - 1) or len(self._tips) > TIPS_MAX:
            self._tips.clear()
        return self._tips

    def committed(self, segment: int, transaction: int, moved: dict[str, Tip]) -> None:
        self._at = (segment, transaction)
        self._tips.update(moved)


class Round:
    """The tables as of one write transaction, and what it has added to them."""

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
        self._known = tips.before(segment.number, transaction.id())
        self._moved: dict[str, Tip] = {}
        self._end = segment.end_in(transaction)
        self._numbers: int | None = None
        self.written = 0

    @property
    def end(self) -> int:
        return self._end

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
            found = self._transaction.get(PLACE.pack(number, version), db=self._dbs.streams)
            if found is not None:
                return digest_of(self._transaction.get(found, b"", db=self._dbs.log))
            return self._reader.sealed_digest(number, version)
        return None

    def recorded(self, positions: Sequence[int]) -> tuple[Record, ...]:
        """Return the records at these positions, of this segment or an older one."""
        found: list[Record] = []
        for position in positions:
            if position < self._segment.base:
                found.extend(self._reader.at((position,)))
                continue
            stored = self._transaction.get(NUMBER.pack(position), b"", db=self._dbs.log)
            found.append(decode(stored, position, log=self._segment.log, fetch=self._fetch))
        return tuple(found)

    def _fetch(self, reference: Reference) -> bytes | None:
        return self._transaction.get(reference.sha256, db=self._dbs.payloads)

    def _fork(self, stream: str) -> Fork | None:
        name = self._transaction.get(stream.encode(), db=self._dbs.names)
        return None if name is None else unpack_name(name).fork

    def keep(self, admitted: Admitted) -> None:
        """Write one append; its head is written with the others at the end."""
        put, dbs, append = self._transaction.put, self._dbs, admitted.append
        tip = self._tip(append.stream)
        number = self._introduce(admitted) if tip is None else tip.number
        for reference, text in append.payloads:
            put(reference.sha256, text, db=dbs.payloads, overwrite=False)
        first = position = admitted.records[0].position
        version = admitted.records[0].version
        for stored in admitted.stored:
            key = NUMBER.pack(position)
            if not put(key, stored, db=dbs.log, append=True):
                raise lmdb.CorruptedError(f"position {position} is taken")
            put(PLACE.pack(number, version), key, db=dbs.streams)
            position += 1
            version += 1
        for command in append.commands:
            known = Known(first, command.events, command.content)
            put(command.id.encode(), pack_known(known), db=dbs.commands)
            first += command.events
        if append.agenda:
            put(append.name, append.agenda, db=dbs.agenda)
        elif append.agenda is not None:
            self._transaction.delete(append.name, db=dbs.agenda)
        self._end = position
        self._moved[append.stream] = Tip(number, admitted.head)
        self.written += len(admitted.stored)

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
        """Write the heads that moved, in the order of their keys, and make everything durable."""
        for tip in sorted(self._moved.values(), key=_number):
            self._transaction.put(NUMBER.pack(tip.number), pack_head(tip.head), db=self._dbs.heads)
        number = self._transaction.id()
        self._transaction.commit()
        self._tips.committed(self._segment.number, number, self._moved)


def _number(tip: Tip) -> int:
    return tip.number
