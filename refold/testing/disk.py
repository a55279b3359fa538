"""The disk of a simulation: every commit is a step of its own, and may fail, wait, or outlive its writer."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from queue import SimpleQueue

from refold.actors.dispatch.stepper import Stepper
from refold.eventlog.log import (
    Append,
    Appended,
    DiskFull,
    EventLog,
    Head,
    LogError,
    OnCommitted,
    Subscription,
)
from refold.eventlog.record import Record

REFUSALS_MAX = 2
"""Appends in a row that find no room at most: a disk that stays full is not the session's fault."""
TROUBLES = ("full", "broken", "slow", "rival")
PATIENCE_S = 60.0
NOBODY = "*disk"

type Watch = Callable[[Record], None]


class Disk:
    """An `EventLog` on another one, `inner`: what was handed in is committed in a later step, in order.

    Dying before that step loses the append, dying after it only the acknowledgement. `watch` is shown every
    record once it is committed. `reopen` returns what the next process finds; `rival` has another process
    claim what is being written, at the time that it is given. `pace` is how many steps each commit takes
    beyond its own, and how many then pass before it is acknowledged: real disks are slower than actors.
    """

    poll_s: float | None = None

    def __init__(  # noqa: PLR0913 - options, all of them named
        self,
        stepper: Stepper,
        inner: EventLog,
        watch: Watch,
        *,
        reopen: Callable[[], EventLog] | None = None,
        rival: Callable[[EventLog, int], None] | None = None,
        pace: tuple[int, int] = (0, 0),
    ) -> None:
        self.inner = inner
        self._stepper, self._watch, self._reopen = stepper, watch, reopen
        self._rival, self._pace = rival, pace
        self._waiting: deque[tuple[int, tuple[Append, ...], OnCommitted]] = deque()
        self._count = self._refusals = 0

    def append(self, *appends: Append, on_committed: OnCommitted) -> None:
        self._count += 1
        self._take_steps(f"disk/{self._count}", self._pace[0], self._commit_next)
        # Not before: whoever crashes above handed in nothing.
        self._waiting.append((self._count, appends, on_committed))

    def _commit_next(self) -> None:
        number, appends, on_committed = self._waiting.popleft()
        self._stepper.point("before commit")
        trouble = self._stepper.mishap("disk", *TROUBLES)
        match trouble:
            case "full" if self._refusals < REFUSALS_MAX:
                self._refusals += 1
                on_committed(DiskFull("no room is left"))
                return
            case "broken":
                on_committed(LogError("the disk does not answer"))
                return
            case "rival" if self._rival is not None:
                self._rival(self, self._stepper.now_ns())
            case _:
                pass
        self._refusals = 0
        outcome = self._settle(appends)
        self._stepper.point("after commit")
        if trouble == "slow":
            self._stepper.perform(f"disk/{number}/slow", lambda: on_committed(outcome), to=NOBODY)
        elif self._pace[1]:
            self._take_steps(f"disk/{number}/told", self._pace[1] - 1, lambda: on_committed(outcome))
        else:
            on_committed(outcome)

    def _take_steps(self, key: str, steps: int, then: Callable[[], None]) -> None:
        if steps:
            wait = partial(self._take_steps, key, steps - 1, then)
            self._stepper.perform(f"{key}/{steps}", wait, to=NOBODY)
        else:
            self._stepper.perform(key, then, to=NOBODY)

    def _settle(self, appends: tuple[Append, ...]) -> Appended | LogError:
        told: SimpleQueue[Appended | LogError] = SimpleQueue()
        self.inner.append(*appends, on_committed=told.put)
        outcome = told.get(timeout=PATIENCE_S)
        if isinstance(outcome, Appended) and not outcome.again:
            for record in outcome.records:
                self._watch(record)
        return outcome

    def crash(self) -> None:
        """Lose what was handed in and not committed; go on with what is on the disk."""
        self._waiting.clear()
        if self._reopen is not None:
            self.inner = self._reopen()

    # The rest is the inner log's --------------------------------------------------------------------------

    @property
    def id(self) -> bytes:
        return self.inner.id

    @property
    def end(self) -> int:
        return self.inner.end

    def commit(self, *appends: Append, timeout_s: float = PATIENCE_S) -> Appended:
        """Commit at once, past the queue and its faults: for what no actor of this process writes."""
        appended = self.inner.commit(*appends, timeout_s=timeout_s)
        if not appended.again:
            for record in appended.records:
                self._watch(record)
        return appended

    def read(
        self, stream: str, *, after: int = -1, until: int | None = None, check: bool = True
    ) -> Iterator[Record]:
        return self.inner.read(stream, after=after, until=until, check=check)

    def read_all(self, *, after: int = -1, check: bool = True) -> Iterator[Record]:
        return self.inner.read_all(after=after, check=check)

    def head(self, stream: str) -> Head | None:
        return self.inner.head(stream)

    def streams(self) -> Sequence[str]:
        return self.inner.streams()

    def find(self, command: str) -> Appended | None:
        return self.inner.find(command)

    def agenda(self) -> Mapping[str, bytes]:
        return self.inner.agenda()

    def subscribe(self, *, after: int = -1, stream: str | None = None) -> Subscription:
        return self.inner.subscribe(after=after, stream=stream)

    def close(self) -> None:
        self.inner.close()
