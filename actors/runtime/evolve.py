"""How the runtime's state follows the facts."""

from collections.abc import Callable
from hashlib import sha256
from typing import get_args

import msgspec
from msgspec.structs import replace

from refold.actors.runtime.state import Hands, OpenAction
from refold.eventlog.actions import Action, Delegate, McpCall, Message, Other, Read
from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    ActionStarted,
    Event,
    ObservationRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClaimed,
    SessionClosed,
    SessionForked,
)
from refold.eventlog.starting import RuntimeReleased

type Concerning = (
    ActionProposed
    | ActionsConfirmed
    | ActionStarted
    | ObservationRecorded
    | RuntimeConnected
    | RuntimeFailed
    | RuntimeLost
    | RuntimeReleased
    | SessionClaimed
    | SessionClosed
    | SessionForked
)
"""What changes the hands; every other event leaves them as they are."""
CONCERNING = frozenset[type[Event]](get_args(Concerning.__value__))
_ENCODER = msgspec.json.Encoder(order="deterministic")


def action_digest(action: Action) -> bytes:
    """Return what an approval and a comparison name an action by: its kind and arguments."""
    return sha256(_ENCODER.encode(action)).digest()


def only_looks(action: Action) -> bool:
    """Whether an action changes nothing: a look at a file, or a tool whose server says so."""
    match action:
        case Read():
            return True
        case McpCall(read_only=read_only):
            return read_only
        case _:
            return False


def evolve(state: Hands, event: Concerning, version: int) -> Hands:
    match event:
        case ActionProposed(action=Message()):
            return state
        case ActionProposed(action=action, tool_call_id=tool_call_id, risk=risk):
            opened = OpenAction(
                version=version,
                kind=str(action.__struct_config__.tag),
                digest=action_digest(action),
                tool_call_id=tool_call_id,
                risk=risk,
                looks=only_looks(action),
                name=_name(action),
            )
            return replace(state, open=(*state.open, opened))
        case ObservationRecorded(cause=cause):
            return replace(state, open=tuple([o for o in state.open if o.version != cause]), losses=0)
        case ActionStarted(cause=cause, incarnation=incarnation):
            return _each(state, lambda o: replace(o, incarnation=incarnation) if o.version == cause else o)
        case SessionClaimed() | SessionClosed() | SessionForked():
            return replace(state, incarnation=None, failure=None, losses=0)
        case RuntimeConnected(incarnation=incarnation, workspace=place):
            launches = state.launches + 1
            return replace(state, incarnation=incarnation, place=place, failure=None, launches=launches)
        case ActionsConfirmed(actions=actions):
            return _each(state, lambda o: replace(o, confirmed=True) if o.version in actions else o)
        case RuntimeFailed(reason=reason):
            return replace(state, incarnation=None, failure=reason, launches=state.launches + 1)
        case RuntimeLost():
            return replace(state, incarnation=None, losses=state.losses + 1)
        case RuntimeReleased():
            return replace(state, incarnation=None)


def _name(action: Action) -> str:
    match action:
        case Other(name=name) | Delegate(agent=name):
            return name
        case _:
            return ""


def _each(state: Hands, change: Callable[[OpenAction], OpenAction]) -> Hands:
    return replace(state, open=tuple(map(change, state.open)))
