"""Who drives a session right now: its last claim, and whether that driver still holds the lock."""

from msgspec import Struct

from refold.errors import SessionDriven
from refold.eventlog.events import SessionClaimed
from refold.eventlog.log import EventLog, StreamUnknown
from refold.home import Home
from refold.lock import DriverLock


class Claim(Struct, frozen=True, kw_only=True):
    """The process that claimed a session last; `since` in ns UTC."""

    pid: int
    host: str
    since: int


def claimed_by(log: EventLog, session: str) -> Claim | None:
    last: Claim | None = None
    try:
        for record in log.read(session, check=False):
            if isinstance(record.event, SessionClaimed):
                last = Claim(pid=record.event.pid, host=record.event.host, since=record.at)
    except StreamUnknown:
        return None
    return last


def driver_of(home: Home, log: EventLog, session: str) -> Claim | None:
    """Return the living driver, None when there is none."""
    return claimed_by(log, session) if DriverLock(home, session).is_held() else None


def driven_error(log: EventLog, session: str) -> SessionDriven:
    """Name the process that drives a session, from its last claim."""
    claim = claimed_by(log, session)
    return SessionDriven(session, None if claim is None else claim.pid, None if claim is None else claim.host)
