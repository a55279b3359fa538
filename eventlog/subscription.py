"""Following a log: what is there, then what comes, in one unbroken sequence.

Nothing is held between two calls but the place reached: no transaction, no cursor, no thread.
"""

from collections.abc import Sequence
from time import monotonic
from typing import Protocol

from refold.eventlog.bell import Bell
from refold.eventlog.record import Record


class Source(Protocol):
    """What a subscription needs of its log."""

    @property
    def bell(self) -> Bell: ...
    @property
    def closed(self) -> bool: ...
    @property
    def poll_s(self) -> float | None:
        """How often to look for commits of other processes; None where there can be none."""
        ...

    def stamp(self) -> object:
        """Return a value that is another one after every commit, whoever made it."""
        ...

    def batch(self, stream: str | None, after: int, limit: int) -> Sequence[Record]:
        """Return up to `limit` records after a version of the stream, or after a position of the log."""
        ...


class CatchUpSubscription:
    """See `refold.eventlog.log.Subscription`; a stream that does not exist yet is waited for."""

    def __init__(self, source: Source, *, after: int, stream: str | None) -> None:
        self._source = source
        self._after = after
        self._stream = stream
        self._closed = False

    def take(self, *, timeout_s: float | None = None, limit: int = 256) -> Sequence[Record]:
        deadline = None if timeout_s is None else monotonic() + timeout_s
        source = self._source
        seen: object = None
        while not (self._closed or source.closed):
            heard = source.bell.rings
            stamp = source.stamp()
            if stamp != seen:
                seen = stamp
                records = source.batch(self._stream, self._after, limit)
                if records:
                    last = records[-1]
                    self._after = last.position if self._stream is None else last.version
                    return records
            left = None if deadline is None else deadline - monotonic()
            if left is not None and left <= 0:
                break
            waits = [wait for wait in (left, source.poll_s) if wait is not None]
            source.bell.wait(heard, min(waits, default=None))
        return ()

    def close(self) -> None:
        self._closed = True
        self._source.bell.ring()
