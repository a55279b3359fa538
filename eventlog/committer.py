"""One thread that commits for all: whatever waits while it syncs goes into the next transaction together.

A sync costs the same for one append as for a thousand; that is the whole trick.
"""

from collections import deque
from collections.abc import Callable, Sequence
from logging import getLogger
from threading import Condition, Lock, Thread, current_thread

from refold.eventlog.log import LogClosed, LogError, OnCommitted
from refold.eventlog.prepared import Prepared
from refold.eventlog.writer import BYTES_MAX, Outcome, Request, Writer

REQUESTS_MAX = 4096
"""What one transaction takes at most, as `BYTES_MAX`, so that nobody waits for others without end."""

_log = getLogger(__name__)
type _Waiting = tuple[Request, OnCommitted]


class Committer:
    """Takes appends from any thread, and tells each its outcome from its own.

    `committed` is called once after every round, before those who waited hear of it.
    """

    def __init__(self, writer: Writer, *, committed: Callable[[], None]) -> None:
        self._writer = writer
        self._committed = committed
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self._asleep = False
        self._waiting: deque[_Waiting] = deque()
        self._thread: Thread | None = None
        self._closed = False
        self.commits = 0
        """Rounds made so far: appends per round is what group commit gains."""

    def hand_in(self, request: Sequence[Prepared], on_committed: OnCommitted) -> None:
        """Queue an append; its outcome is told later, or `LogClosed` at once."""
        with self._lock:
            closed = self._closed
            if not closed:
                self._waiting.append((request, on_committed))
                if self._asleep:
                    self._asleep = False
                    self._changed.notify()
                elif self._thread is None:
                    self._thread = Thread(target=self._run, name="refold-committer", daemon=True)
                    self._thread.start()
        if closed:
            on_committed(LogClosed("the log is closed"))

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not current_thread():
            thread.join()

    def _run(self) -> None:
        while drained := self._drain():
            outcomes = self._commit([request for request, _ in drained])
            self.commits += 1
            self._committed()
            for (_, on_committed), outcome in zip(drained, outcomes, strict=True):
                try:
                    on_committed(outcome)
                except Exception:  # noqa: BLE001 - one deaf listener must not silence the others
                    _log.exception("an append was committed, but telling so failed")

    def _commit(self, requests: list[Request]) -> list[Outcome]:
        try:
            return self._writer.commit(requests)
        except LogError as error:
            return [error] * len(requests)
        except Exception as error:  # noqa: BLE001 - whatever it is, the waiting must hear of it
            _log.exception("commit failed")
            return [LogError(f"commit failed: {error}")] * len(requests)

    def _drain(self) -> list[_Waiting]:
        with self._changed:
            while not self._waiting and not self._closed:
                self._asleep = True
                self._changed.wait()
            drained: list[_Waiting] = []
            room = BYTES_MAX
            while self._waiting and len(drained) < REQUESTS_MAX and room > 0:
                waiting = self._waiting.popleft()
                for append in waiting[0]:
                    room -= append.size
                drained.append(waiting)
            return drained
