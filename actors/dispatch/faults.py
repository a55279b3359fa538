"""What can end a simulation or an actor in it."""

from refold.actors.dispatch.port import ActorFailed


class Crash(BaseException):
    """Injected death. Ports raise it again until the stack is unwound: no `finally` acts for the dead."""


class ProcessDied(Exception):
    """The simulated process is gone with its actors, mail, timers and work; only what it stored is left."""


class Livelock(RuntimeError):
    """So many steps were taken that it will probably never end."""


def told(name: str, failure: BaseException) -> ActorFailed:
    """Return what a supervisor is told; an injected crash has no trace worth a thirtieth of a run's time."""
    if isinstance(failure, Crash):
        return ActorFailed(name, type(failure).__name__, str(failure))
    return ActorFailed.of(name, failure)
