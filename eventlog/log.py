"""The ground: an append-only log of streams, as a protocol that every backend keeps.

`MemoryLog` is the executable specification and `LMDBLog` the one on disk; `EventLogContract` proves both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from refold.eventlog.events import Event
from refold.eventlog.record import Given, Record

NO_STREAM = -1
"""The version expected of a stream that must not exist yet."""


class Entry(Struct, frozen=True, gc=False):
    """One command and the events that it gave rise to, at least one."""

    given: Given
    events: tuple[Event, ...]


class Append(Struct, frozen=True, kw_only=True, gc=False):
    """What is to become true in one stream, all of it or nothing.

    `expected` is the stream's last version (`NO_STREAM` for a new one). A stream whose first event is
    `SessionForked` continues its parent: there `expected` is the forked version and the first own version
    is one more. `agenda` replaces the stream's entry in the agenda; b"" removes it, None leaves it.
    """

    stream: str
    expected: int
    epoch: int
    entries: tuple[Entry, ...]
    agenda: bytes | None = None


class Appended(Struct, frozen=True, gc=False):
    """The records of an append, in order; `again` when its first command had been recorded before.

    Then nothing was written and `records` are those of that first time.
    """

    records: tuple[Record, ...]
    again: bool = False


class Head(Struct, frozen=True, gc=False):
    """The end of a stream."""

    version: int
    position: int
    digest: bytes


class LogError(Exception):
    """Something about the log; its subclasses say whose fault it is."""


class WrongVersion(LogError):
    """Someone else wrote first: nothing was recorded; reload and decide again."""

    def __init__(self, stream: str, expected: int, found: int) -> None:
        super().__init__(f"stream {stream!r}: expected version {expected}, found {found}")
        self.stream, self.expected, self.found = stream, expected, found


class CommandReused(LogError):
    """The command's id was recorded before with other content; nothing was recorded."""


class StreamUnknown(LogError):
    """No such stream."""


class CorruptRecord(LogError):
    """The disk lies at `position`; the rest of the log stays readable."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"record at position {position}: {reason}")
        self.position, self.reason = position, reason


class LogUnreadable(LogError):
    """The file is no log that this version can open (garbage, truncated, another format)."""


class DiskFull(LogError):
    """No room; nothing was recorded and nothing acknowledged was lost. Trying again later may succeed."""


class LogClosed(LogError):
    """The log was closed before the append was committed."""


type OnCommitted = Callable[[Appended | LogError], None]


class Subscription(Protocol):
    """Records in order, without gap or repeat, from where it began to where the log ends, and then live."""

    def take(self, *, timeout_s: float | None = None, limit: int = 256) -> Sequence[Record]:
        """Return the next records, at least one, waiting for them; empty after `timeout_s` or `close`."""
        ...

    def close(self) -> None: ...


class EventLog(Protocol):
    """An append-only, totally ordered, durable store of streams."""

    @property
    def id(self) -> bytes:
        """16 bytes that name this log and no other."""
        ...

    @property
    def end(self) -> int:
        """The position that the next record gets."""
        ...

    def append(self, *appends: Append, on_committed: OnCommitted) -> None:
        """Append to one or several streams, all or nothing; never blocks.

        `on_committed` is called once, from another thread, after the records are durable, or with the
        error that refused them: `WrongVersion`, `CommandReused`, `DiskFull`, `LogClosed`. It must not block.
        """
        ...

    def commit(self, *appends: Append, timeout_s: float = 60.0) -> Appended:
        """Append and wait; raise what `append` would report."""
        ...

    def read(
        self, stream: str, *, after: int = -1, until: int | None = None, check: bool = True
    ) -> Iterator[Record]:
        """Yield the records after version `after`, to `until` inclusive; below a fork, the parent's.

        With `check` each digest is computed anew and compared. Raises `StreamUnknown`, `CorruptRecord`.
        """
        ...

    def read_all(self, *, after: int = -1, check: bool = True) -> Iterator[Record]:
        """Yield all records after position `after`."""
        ...

    def head(self, stream: str) -> Head | None: ...

    def streams(self) -> Sequence[str]:
        """Every stream, ordered by its first position."""
        ...

    def find(self, command: str) -> Appended | None:
        """Return what a command led to, if it was recorded recently (this segment or the one before)."""
        ...

    def agenda(self) -> Mapping[str, bytes]: ...

    def subscribe(self, *, after: int = -1, stream: str | None = None) -> Subscription:
        """Follow the whole log after a position, or one stream after a version."""
        ...

    def close(self) -> None:
        """Finish what was handed in, then let go of every thread and file."""
        ...
