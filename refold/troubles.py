"""What keeps a session from going on, as its user is told of it."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from refold.actors.delegation.state import root_name
from refold.actors.dispatch.port import ActorFailed
from refold.actors.session.messages import Fenced, NoRoom, RoomAgain
from refold.actors.supervisor import Trouble
from refold.errors import NotDriven, OutOfRoom, RefoldError, SessionBroken

ROOM_WAIT_S = 10.0
"""How long a full disk is waited for before `wait` gives up."""


class Troubles:
    """What troubles the sessions that a process drives, noted from any thread.

    A delegate's trouble is its whole family's. `masked` says what may be shown of a session's text.
    """

    def __init__(self, home: Path, masked: Callable[[str, str], str]) -> None:
        self._home, self._masked = home, masked
        self._troubles: dict[str, Trouble] = {}
        self._starved_since: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, trouble: Trouble) -> None:
        stream = trouble.name.partition("/")[0] if isinstance(trouble, ActorFailed) else trouble.stream
        with self._lock:
            self._troubles[stream] = trouble
            if isinstance(trouble, NoRoom):
                self._starved_since.setdefault(stream, time.monotonic())
            else:
                self._starved_since.pop(stream, None)

    def forget(self, session: str) -> None:
        with self._lock:
            for name in [name for name in self._troubles if root_name(name) == session]:
                self._troubles.pop(name)
                self._starved_since.pop(name, None)

    def of(self, session: str) -> RefoldError | None:
        """Return what keeps the session from going on, if anything does."""
        troubles = [t for name, t in tuple(self._troubles.items()) if root_name(name) == root_name(session)]
        trouble = next((t for t in troubles if not isinstance(t, RoomAgain)), None)
        if trouble is None:
            return None
        if isinstance(trouble, ActorFailed):
            trouble = replace(trouble, message=self._masked(session, trouble.message))
        since = min(self._starved_since.values(), default=time.monotonic())
        return _explained(session, trouble, home=self._home, starved_s=time.monotonic() - since)


def _explained(session: str, trouble: Trouble, *, home: Path, starved_s: float) -> RefoldError | None:
    """Return the error that `session` is in; None if there is hope. `starved_s` is the time without room."""
    match trouble:
        case RoomAgain():
            return None
        case Fenced(error=error):
            return NotDriven(f"session {session!r} was claimed by another driver: {error}")
        case ActorFailed(error=error, message=message):
            return SessionBroken(f"session {session!r} failed inside Refold: {error}: {message}")
        case NoRoom(error=error):
            if starved_s < ROOM_WAIT_S:
                return None
            return OutOfRoom(
                f"no room for the log of {session!r} in {home} ({error}); nothing acknowledged "
                f"is lost, `refold resume {session}` goes on once there is room"
            )
