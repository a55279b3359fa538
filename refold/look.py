"""Questions to a home that nobody needs to drive: what sessions there are and how each stands."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from refold.actors.session.evolve import fold
from refold.actors.session.show import Glance
from refold.actors.session.state import State, initial_state
from refold.driver import driver_of
from refold.errors import HomeEmpty, SessionUnknown, WrongUsage
from refold.home import Home, check_session

if TYPE_CHECKING:
    from collections.abc import Generator

    from refold.eventlog.lmdb_log import LMDBLog


@contextmanager
def reading(home: Home) -> "Generator[LMDBLog]":
    """Open the log for reading, beside whoever writes it. Raises `HomeUnusable`."""
    log = home.open_log(readonly=True)
    try:
        yield log
    finally:
        log.close()


def check_home(home: Home) -> None:
    """Raise `HomeEmpty` where nothing was ever started: asking about a session makes no home."""
    if not home.exists():
        raise HomeEmpty(f"there is no session in {home.path} yet; `refold run` starts a first one")


def check_known(log: "LMDBLog", session: str, version: int | None = None) -> int:
    """Return the session's last version; raises `SessionUnknown`, `WrongUsage` for a version it has not."""
    head = log.head(check_session(session))
    if head is None:
        raise SessionUnknown(session)
    if version is not None and not 0 <= version <= head.version:
        raise WrongUsage(f"session {session!r} has versions 0 to {head.version}; {version} was asked for")
    return head.version


def state_of(home: Home, session: str) -> State:
    with reading(home) as log:
        check_known(log, session)
        return fold(initial_state(), log.read(session, check=False))


def glance(home: Home, log: "LMDBLog", session: str, *, at: int | None = None) -> dict[str, Any]:
    """Return the state after a version, or now; `driver` is looked up at this moment, and null with `at`."""
    check_known(log, session, at)
    seen = Glance()
    for record in log.read(session, until=at):
        seen.add(record)
    driver = None if at is not None else driver_of(home, log, session)
    shown = seen.shown(session)
    for delegate in shown["delegates"]:
        if delegate["status"] is None:  # The parent is told of the end alone; its own stream says more.
            delegate["status"] = "running" if at is not None else _status(log, delegate["session"])
    shown["driver"] = (
        None if driver is None else {"pid": driver.pid, "host": driver.host, "since": driver.since}
    )
    return shown


def _status(log: "LMDBLog", session: str) -> str:
    return fold(initial_state(), log.read(session, check=False)).agent.state
