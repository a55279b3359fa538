"""Sessions that are killed: one is driven on the stepper and taken up after each death, until it rests."""

from collections.abc import Callable

from msgspec import Struct

from refold.actors.dispatch.faults import ProcessDied
from refold.actors.dispatch.stepper import Stepper
from refold.actors.session.state import State
from refold.actors.sessions import Edges, Identity, Sessions
from refold.eventlog.events import SessionStarted
from refold.eventlog.log import EventLog
from refold.eventlog.memory_log import MemoryLog

STREAM = "session"
LIVES_MAX = 200
"""A session that has not come to rest after so many drivers never will."""

IDENTITY = Identity(host="simulated", pid=1, process_started=0, code="simulated")


class Lived(Struct, frozen=True):
    """How it went: what was left in the log, how often the driver died, and how the last one left it."""

    log: EventLog
    state: State
    deaths: int
    stepper: Stepper


class SlowDisk:
    """Acknowledges what a `MemoryLog` committed in a step of its own: later, or never if the process dies."""

    def __init__(self) -> None:
        self.stepper: Stepper | None = None
        self._count = 0

    def __call__(self, acknowledge: Callable[[], None]) -> None:
        if self.stepper is None:
            acknowledge()
            return
        self._count += 1
        self.stepper.perform(f"disk/{self._count}", acknowledge, to="*disk")


def live(
    stepper: Stepper,
    world: Edges,
    start: SessionStarted,
    *,
    log: EventLog | None = None,
    between: Callable[[Sessions], None] | None = None,
) -> Lived:
    """Drive a session to rest; whenever its process dies, another one claims it and goes on.

    `log` defaults to one in memory on a slow disk. `between` is called with each new driver once it was told
    to take up the session, for a person's commands.
    """
    disk = SlowDisk()
    if log is None:
        log = MemoryLog(id=bytes(16), deliver=disk)
    for deaths in range(LIVES_MAX):
        disk.stepper = stepper
        sessions = Sessions(stepper, log, world, IDENTITY)
        if log.head(STREAM) is None:
            sessions.start(STREAM, start)
        else:
            sessions.claim(STREAM)
        try:
            if between is not None:
                between(sessions)
            stepper.run()
        except ProcessDied:
            continue
        return Lived(log, sessions.state(STREAM), deaths, stepper)
    raise AssertionError(f"no rest after {LIVES_MAX} drivers")
