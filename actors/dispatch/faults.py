"""What can end a simulation or an actor in it."""


class Crash(BaseException):
    """Injected death. Ports raise it again until the stack is unwound: no `finally` acts for the dead."""


class ProcessDied(Exception):
    """The simulated process is gone with its actors, mail, timers and work; only what it stored is left."""


class Livelock(RuntimeError):
    """So many steps were taken that it will probably never end."""
