"""A look over a home: what each session owes, and what processes without a driver are still around."""

from typing import NamedTuple

from msgspec import Struct

from refold.actors.delegation.state import root_name
from refold.actors.runner.hands import RunnerHands
from refold.actors.runner.place import PlaceUnsafe
from refold.actors.runner.runner import LaunchFailed, RunnerLost, RunnerRefused
from refold.actors.runtimes.registry import RuntimeUnknown
from refold.actors.session.due import agenda, due
from refold.actors.session.evolve import NotUnderstood, fold, understood
from refold.actors.session.state import initial_state
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import LogError
from refold.home import Home
from refold.lock import DriverLock
from refold.look import reading


class Finding(Struct, frozen=True, kw_only=True):
    """One thing worth saying about a session, or a server of runners; `bad` when it should not be so."""

    session: str | None
    text: str
    bad: bool = False
    server: str | None = None


class _Silent(NamedTuple):
    """The sessions whose runners are behind a server that does not answer, and why it does not."""

    sessions: list[str]
    why: str


def examine(home: Home, *, reap: bool) -> list[Finding]:
    """Return what there is to say, session by session; with `reap`, runners without a driver are ended."""
    if not home.exists():
        return []
    findings: list[Finding] = []
    silent: dict[str, _Silent] = {}
    with reading(home) as log:
        owed = log.agenda()
        for session in log.streams():
            findings.extend(_session(home, log, session, owed.get(session, b"")))
            findings.extend(_runner(home, log.id.hex(), session, silent, reap=reap))
    return [*findings, *(_unheard(server, found, reap=reap) for server, found in silent.items())]


def _session(home: Home, log: LMDBLog, session: str, noted: bytes) -> list[Finding]:
    try:
        records = list(log.read(session))
        for record in records:
            understood(record.event)
        effects = due(fold(initial_state(), records))
    except (LogError, NotUnderstood) as error:
        return [Finding(session=session, text=f"cannot be folded and is not driven: {error}", bad=True)]
    if agenda(effects) != noted:
        return [Finding(session=session, text="the agenda does not say what the stream owes", bad=True)]
    if effects and not DriverLock(home, session).is_held():
        what = ", ".join(effect.key for effect in effects)
        return [Finding(session=session, text=f"owes {what}; `refold resume {root_name(session)}` goes on")]
    return []


def _runner(
    home: Home, log_id: str, session: str, silent: dict[str, _Silent], *, reap: bool
) -> list[Finding]:
    """Ask for a session's runner; a server that does not answer is asked once, for all of them."""
    hands = RunnerHands(session, home.runner(session), scope=f"{log_id}/{session}")
    if DriverLock(home, session).is_held():
        return []
    server = hands.server()
    if server is not None and server in silent:
        silent[server].sessions.append(session)
        return []
    try:
        if not hands.is_alive():
            return []
        if not reap:
            return [Finding(session=session, text="its runner is alive without a driver; --reap ends it")]
        hands.end()
        if hands.is_alive():
            return [Finding(session=session, text="its runner could not be ended", bad=True)]
    except (LaunchFailed, PlaceUnsafe, RunnerLost, RunnerRefused, RuntimeUnknown, OSError) as error:
        if server is not None and isinstance(error, RunnerLost):
            silent[server] = _Silent([session], str(error))
            return []
        return [Finding(session=session, text=f"nobody can tell whether its runner lives: {error}")]
    return [Finding(session=session, text="its runner was ended")]


def _unheard(server: str, found: _Silent, *, reap: bool) -> Finding:
    whose = ", ".join(found.sessions)
    text = f"{found.why}; nobody can tell whether runners live there, of {whose}: look again once it answers"
    return Finding(session=None, server=server, text=text, bad=reap)
