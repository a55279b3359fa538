"""A session together with its delegates, as its driver sees it: when all of it rests, or is closed."""

import time
from collections.abc import Callable, Container, Iterator

from refold.actors.controller.transitions import RESTING
from refold.actors.delegation.decide import AT_END
from refold.actors.delegation.state import delegate_stream, root_name
from refold.actors.session.due import AwaitDelegate, due
from refold.actors.session.evolve import evolve, fold
from refold.actors.session.state import State, initial_state
from refold.eventlog.log import EventLog

CLOSED_S = 10.0
"""How long delegates may take to close behind their parent."""
_STEP_S = 0.1
_ADOPTED_S = 2.0


def delegates(log: EventLog, session: str, state: State) -> Iterator[tuple[str, State]]:
    """Yield every delegate without a result, each before its own delegates."""
    for one in state.delegates:
        name = delegate_stream(session, one.version)
        below = fold(initial_state(), log.read(name, check=False))
        yield name, below
        yield from delegates(log, name, below)


def rests(state: State) -> bool:
    """Whether nothing will happen in a session of its own until a person acts, or ever."""
    return state.life.closed or (state.agent.state in RESTING and not due(state))


def resting(log: EventLog, session: str, state: State) -> tuple[str, State] | None:
    """Return whom a person must act on for this session to go on: itself, or a delegate that asks for one.

    None while it goes on by itself; a session that has ended waits for its person, too.
    """
    if not state.delegates or state.life.closed:
        return (session, state) if rests(state) else None
    if not all(isinstance(effect, AwaitDelegate) for effect in due(state)):
        return None
    found: tuple[str, State] | None = None
    for one in state.delegates:
        name = delegate_stream(session, one.version)
        below = fold(initial_state(), log.read(name, check=False))
        if below.agent.state in AT_END:  # Its result is on its way.
            return None
        if below.agent.state == "paused" != state.agent.state and not _by_a_person(log, name, below):
            return None  # Its parent lets it go on.
        found = resting(log, name, below)
        if found is None:
            return None
    return (session, state) if state.agent.state == "paused" else found


def _by_a_person(log: EventLog, session: str, state: State) -> bool:
    """Whether a person brought the present state about, and no parent."""
    version = state.agent.state_version
    (record,) = log.read(session, after=version - 1, until=version, check=False)
    return record.given is None or record.given.by == "user"


def await_driven(delegate: str, roots: Container[str], drives: Callable[[str], bool]) -> bool:
    """Whether a delegate is driven together with one of these sessions; one just claimed is waited for."""
    until = time.monotonic() + _ADOPTED_S
    while delegate != root_name(delegate) and root_name(delegate) in roots:
        if drives(delegate):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(_ADOPTED_S / 100)
    return False


def await_closed(log: EventLog, session: str, state: State, *, timeout_s: float = CLOSED_S) -> None:
    """Return once the open delegates of a closed session are closed, or have had the time for it."""
    until = time.monotonic() + timeout_s
    for name, _ in tuple(delegates(log, session, state)):
        below, subscription = initial_state(), log.subscribe(stream=name)
        try:
            while time.monotonic() < until:
                records = subscription.take(timeout_s=_STEP_S)
                for record in records:
                    below = evolve(below, record.event, record.version)
                if not records and (below.life.closed or below.agent.state in AT_END):
                    break
        finally:
            subscription.close()
