"""What keeps a session from going on, as its user is told of it."""

from pathlib import Path

from refold.actors.dispatch.port import ActorFailed
from refold.actors.session.messages import Fenced, NoRoom, RoomAgain
from refold.actors.supervisor import Trouble
from refold.errors import NotDriven, OutOfRoom, RefoldError, SessionBroken

ROOM_WAIT_S = 10.0
"""How long a full disk is waited for before `wait` gives up."""


def explained(session: str, trouble: Trouble, *, home: Path, starved_s: float) -> RefoldError | None:
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
