"""What may not touch the world before somebody approved it, and what an approval names."""

from hashlib import sha256

from refold.actors.controller.policy import may_start, undecided
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
    """Return what an approval would name: the next action, if it needs one, and all that stand behind it.

    What waits goes on waiting whatever the policy has become meanwhile: it was shown as waiting.
    """
    waiting = undecided(state)
    if state.agent.state == "awaiting_user_confirmation" or not waiting:
        return waiting
    return () if may_start(state, waiting[0]) else waiting


def approval_digest(actions: tuple[OpenAction, ...]) -> str:
    """Return the name of exactly these actions: their versions and contents."""
    named = sha256()
    for opened in actions:
        named.update(opened.version.to_bytes(8, "big") + opened.digest)
    return named.hexdigest()


def follow_confirmation(state: State) -> tuple[Event, ...]:
    """Return that the agent waits, once the next action needs an approval and nothing runs any more."""
    hands = state.hands
    if hands.started is not None or not hands.open or may_start(state, hands.open[0]):
        return ()
    return (AgentStateChanged(state="awaiting_user_confirmation"),)


def decide_confirm(state: State, command: ConfirmActions) -> tuple[Event, ...]:
    waiting = _waiting(state, "confirm")
    digest = approval_digest(waiting)
    if command.digest != digest:
        raise Refused(
            f"the approval names {command.digest[:12] or 'nothing'}, but {digest[:12]} is waiting: look again"
        )
    versions = tuple(opened.version for opened in waiting)
    return (
        ActionsConfirmed(actions=versions, digest=digest, who=command.who),
        AgentStateChanged(state="running"),
    )


def decide_reject(state: State, command: RejectActions) -> tuple[Event, ...]:
    waiting = _waiting(state, "reject")
    text = f"Rejected by the user: {command.reason}" if command.reason else "Rejected by the user."
    return (
        ActionsRejected(
            actions=tuple(opened.version for opened in waiting), reason=command.reason, who=command.who
        ),
        *(answer(opened, Cancelled(content=text, reason="rejected")) for opened in waiting),
        AgentStateChanged(state="running" if command.try_again else "awaiting_user_input"),
    )


def _waiting(state: State, verb: str) -> tuple[OpenAction, ...]:
    if state.agent.state != "awaiting_user_confirmation":
        raise Refused(f"nothing waits to be confirmed: cannot {verb} while {state.agent.state}")
    return undecided(state)
