"""The log in memory: the executable specification of every log, and the one that simulations run on.

Same rules, same bytes, same digests as on disk; nothing survives the process.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import urandom
from threading import RLock

from refold.eventlog.admission import Admitted, Known, Repeated, admit
from refold.eventlog.bell import Bell
from refold.eventlog.header import Reference, digest_of
from refold.eventlog.lineage import Fork, spans
from refold.eventlog.log import (
    Append,
    Appended,
    Head,
    LogClosed,
    LogError,
    OnCommitted,
    StreamUnknown,
    Subscription,
)
from refold.eventlog.prepared import prepare
from refold.eventlog.record import Record
from refold.eventlog.rows import Rows
from refold.eventlog.subscription import CatchUpSubscription
from refold.eventlog.waiting import Waiting

type Deliver = Callable[[Callable[[], None]], None]


def _at_once(acknowledge: Callable[[], None]) -> None:
    acknowledge()


class MemoryLog:
    """See `EventLog`; `append` calls `on_committed` before it returns, unless `deliver` decides otherwise.

    `id` makes every byte repeatable. `deliver` gets each acknowledgement as a call to make: a simulator
    makes it later (a slow disk), or never (a crash after the commit).
    """

    poll_s: float | None = None

    def __init__(
        self,
        *,
        id: bytes | None = None,  # noqa: A002 - it becomes the property of that name
        deliver: Deliver = _at_once,
    ) -> None:
        self._id = urandom(16) if id is None else id
        if len(self._id) != 16:  # noqa: PLR2004 - the format says 16
            raise ValueError(f"a log id has 16 bytes, found {len(self._id)}")
        self._deliver = deliver
        self._checked = Rows(self._id, check=True)
        self._unchecked = Rows(self._id, check=False)
        self._lock = RLock()
        self._refusals: list[LogError] = []
        self._stored: list[bytes] = []
        self._decoded: dict[bytes, Record] = {}
        """What was read and found sound, by its bytes: who starts anew reads what others have read."""
        self._streams: dict[str, dict[int, int]] = {}
        self._forks: dict[str, Fork] = {}
        self._heads: dict[str, Head] = {}
        self._commands: dict[str, Known] = {}
        self._payloads: dict[bytes, bytes] = {}
        self._agenda: dict[str, bytes] = {}
        self.bell = Bell()
        self.closed = False

    @property
    def id(self) -> bytes:
        return self._id

    @property
    def end(self) -> int:
        return len(self._stored)

    def refuse_next(self, error: LogError) -> None:
        """Let the next append that is not refused anyway fail with `error`, recording nothing."""
        self._refusals.append(error)

    def reopen(self) -> None:
        """Take appends again after `close`, as a disk would be there for the next process."""
        self.closed = False

    def append(self, *appends: Append, on_committed: OnCommitted) -> None:
        prepared = [prepare(append) for append in appends]
        outcome: Appended | LogError
        with self._lock:
            try:
                if self.closed:
                    raise LogClosed("the log is closed")
                outcome = self._let_in(admit(prepared, self, self._id))
            except LogError as error:
                outcome = error
        self.bell.ring()
        self._deliver(lambda: on_committed(outcome))

    def commit(self, *appends: Append, timeout_s: float = 60.0) -> Appended:
        waiting = Waiting()
        self.append(*appends, on_committed=waiting.tell)
        return waiting.outcome(timeout_s)

    def _let_in(self, admitted: tuple[Admitted, ...] | Repeated) -> Appended:
        if isinstance(admitted, Repeated):
            return Appended(
                tuple(self._record(position, check=True) for position in admitted.positions), again=True
            )
        if self._refusals:
            raise self._refusals.pop(0)
        for one in admitted:
            self._keep(one)
        return Appended(tuple(record for one in admitted for record in one.records))

    def _keep(self, admitted: Admitted) -> None:
        append = admitted.append
        stream = append.stream
        positions = self._streams.setdefault(stream, {})
        if append.fork is not None:
            self._forks[stream] = Fork(append.fork.parent, append.fork.version)
        for reference, text in append.payloads:
            self._payloads[reference.sha256] = text
        first = admitted.records[0].position
        for command in append.commands:
            self._commands[command.id] = Known(first, command.events, command.content)
            first += command.events
        for record, stored in zip(admitted.records, admitted.stored, strict=True):
            positions[record.version] = record.position
            self._stored.append(stored)
        self._heads[stream] = admitted.head
        match append.agenda:
            case None:
                pass
            case b"":
                self._agenda.pop(stream, None)
            case owed:
                self._agenda[stream] = owed

    def head(self, stream: str) -> Head | None:
        return self._heads.get(stream)

    def command(self, name: str, /) -> Known | None:
        """Return where a command was recorded."""
        return self._commands.get(name)

    def digest_at(self, stream: str, version: int) -> bytes | None:
        """Return the digest of a version, the parent's below a fork."""
        for span in spans(stream, version, version, self._forks.get):
            position = self._streams[span.stream].get(version)
            if position is not None:
                return digest_of(self._stored[position])
        return None

    def find(self, command: str) -> Appended | None:
        known = self._commands.get(command)
        if known is None:
            return None
        positions = range(known.first, known.first + known.count)
        return Appended(tuple(self._record(position, check=True) for position in positions), again=True)

    def streams(self) -> Sequence[str]:
        return list(self._streams)

    def agenda(self) -> Mapping[str, bytes]:
        return dict(self._agenda)

    def read(
        self, stream: str, *, after: int = -1, until: int | None = None, check: bool = True
    ) -> Iterator[Record]:
        if stream not in self._streams:
            raise StreamUnknown(f"no stream {stream!r}")
        return self._read(stream, after, until, check=check)

    def _read(self, stream: str, after: int, until: int | None, *, check: bool) -> Iterator[Record]:
        for position in self._positions(stream, after + 1, until):
            yield self._record(position, check=check)

    def _positions(self, stream: str, first: int, last: int | None) -> Iterator[int]:
        for span in spans(stream, first, last, self._forks.get):
            positions = self._streams[span.stream]
            version = span.first
            while (span.last is None or version <= span.last) and version in positions:
                yield positions[version]
                version += 1

    def read_all(self, *, after: int = -1, check: bool = True) -> Iterator[Record]:
        position = max(after + 1, 0)
        while position < self.end:
            yield self._record(position, check=check)
            position += 1

    def _record(self, position: int, *, check: bool) -> Record:
        stored = self._stored[position]
        record = self._decoded.get(stored)
        if record is not None and record.position == position:
            return record
        if not check:
            return self._unchecked.record(stored, position, self.payload)
        record = self._decoded[stored] = self._checked.record(stored, position, self.payload)
        return record

    def rows(self) -> Iterator[tuple[int, bytes]]:
        """Yield each position and the bytes stored there: two logs are equal when these are."""
        yield from enumerate(self._stored)

    def payload(self, reference: Reference) -> bytes | None:
        return self._payloads.get(reference.sha256)

    def subscribe(self, *, after: int = -1, stream: str | None = None) -> Subscription:
        return CatchUpSubscription(self, after=after, stream=stream)

    def stamp(self) -> object:
        return self.end

    def batch(self, stream: str | None, after: int, limit: int) -> Sequence[Record]:
        """Return the next records of a subscription."""
        if stream is None:
            last = min(self.end, after + 1 + limit)
            return [self._record(position, check=True) for position in range(max(after + 1, 0), last)]
        if stream not in self._streams:
            return ()
        return list(self.read(stream, after=after, until=max(after, -1) + limit))

    def close(self) -> None:
        self.closed = True
        self.bell.ring()
