"""What may not touch the world before somebody approved it, and what an approval names."""

from hashlib import sha256

from refold.actors.runtime.decide import answer
from refold.actors.runtime.state import OpenAction
from refold.actors.session.commands import ConfirmActions, RejectActions
from refold.actors.session.refused import Refused
from refold.actors.session.state import State
from refold.eventlog.events import (
    ActionsConfirmed,
    ActionsRejected,
    AgentStateChanged,
    Event,
)
from refold.eventlog.observations import Cancelled


def unconfirmed(state: State) -> tuple[OpenAction, ...]:
    """Return the open actions that wait for an approval under the policy in force."""
    settings = state.life.settings
    return () if settings is None or settings.confirm == "never" else _undecided(state)


def approval_digest(actions: tuple[OpenAction, ...]) -> str:
    """Return the name of exactly these actions: their versions and contents."""
    named = sha256()
    for opened in actions:
        named.update(opened.version.to_bytes(8, "big") + opened.digest)
    return named.hexdigest()


def follow_confirmation(state: State) -> tuple[Event, ...]:
    if state.agent.reenacting or state.hands.started is not None or not unconfirmed(state):
        return ()
    return (AgentStateChanged(state="awaiting_user_confirmation"),)


def decide_confirm(state: State, command: ConfirmActions) -> tuple[Event, ...]:
    waiting = _waiting(state, "confirm")
    digest = approval_digest(waiting)
    if command.digest != digest:
        raise Refused(
            f"the approval names {command.digest[:12]}, but {digest[:12]} is waiting: "
            "look again (`refold show`)"
        )
    versions = tuple(opened.version for opened in waiting)
    return (ActionsConfirmed(actions=versions, digest=digest), AgentStateChanged(state="running"))


def decide_reject(state: State, command: RejectActions) -> tuple[Event, ...]:
    waiting = _waiting(state, "reject")
    text = f"Rejected by the user: {command.reason}" if command.reason else "Rejected by the user."
    return (
        ActionsRejected(actions=tuple(opened.version for opened in waiting), reason=command.reason),
        *(answer(opened, Cancelled(content=text, reason="rejected")) for opened in waiting),
        AgentStateChanged(state="awaiting_user_input"),
    )


def _waiting(state: State, verb: str) -> tuple[OpenAction, ...]:
    if state.agent.state != "awaiting_user_confirmation":
        raise Refused(f"nothing waits to be confirmed: cannot {verb} while {state.agent.state}")
    return _undecided(state)  # Whatever the policy is by now: these wait, and were shown as waiting.


def _undecided(state: State) -> tuple[OpenAction, ...]:
    return tuple(opened for opened in state.hands.open if not opened.confirmed and opened.incarnation is None)
