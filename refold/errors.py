"""What can go wrong for a user of Refold: each error says what was asked, what was found, what to do next."""


class RefoldError(Exception):
    """The base; `exit_code` is what the command line ends with."""

    exit_code = 2


class SessionUnknown(RefoldError):
    """No session of that name in this home."""

    def __init__(self, session: str) -> None:
        super().__init__(f"there is no session {session!r}; `refold ls` lists those that are there")


class SessionExists(RefoldError):
    def __init__(self, session: str) -> None:
        super().__init__(f"session {session!r} exists already; `refold resume {session}` goes on with it")


class SessionDriven(RefoldError):
    """Another process drives the session; `pid` names it where it is known."""

    def __init__(self, session: str, pid: int | None, host: str | None) -> None:
        who = "another process" if pid is None else f"process {pid} on {host}"
        super().__init__(
            f"session {session!r} is driven by {who}; `refold say`, `pause`, `stop` … reach it there, "
            f"and `refold events {session} --follow` watches it"
        )
        self.session, self.pid, self.host = session, pid, host


class NotDriven(RefoldError):
    """The session was claimed by another process while this one drove it."""

    exit_code = 1


class CommandRefused(RefoldError):
    """The session's present state cannot honour the command; nothing was recorded."""


class WrongUsage(RefoldError):
    """An argument cannot be used; nothing was done."""


class SecretUnusable(WrongUsage):
    """A secret that a session names is missing, or cannot be kept secret; nothing was recorded."""


class HomeUnusable(RefoldError):
    """The home's folder or log cannot be opened."""

    exit_code = 1


class HomeEmpty(RefoldError):
    """No session was ever started in this home, so none of any name is there."""


class OutOfRoom(RefoldError):
    """The disk has been full for too long; nothing acknowledged was lost and `resume` goes on later."""

    exit_code = 1


class SessionBroken(RefoldError):
    """A driver gave up on the session because Refold itself failed; the log says how."""

    exit_code = 1
