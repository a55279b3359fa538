"""How what is known of delegates follows the facts."""

from typing import get_args

from msgspec.structs import replace

from refold.actors.delegation.state import DELEGATE, Delegates, OpenDelegate
from refold.eventlog.events import (
    ActionStarted,
    Event,
    LateResultRecorded,
    ObservationRecorded,
    SessionForked,
)
from refold.eventlog.observations import DelegateResult

type Concerning = ActionStarted | ObservationRecorded | LateResultRecorded | SessionForked
"""What changes delegates; every other event leaves them as they are."""
CONCERNING = frozenset[type[Event]](get_args(Concerning.__value__))


def evolve(state: Delegates, event: Concerning) -> Delegates:
    match event:
        case ActionStarted(cause=int(cause), incarnation=incarnation):
            return (*state, OpenDelegate(version=cause)) if incarnation == DELEGATE else state
        case ObservationRecorded(cause=cause, observation=observation) if state:
            if isinstance(observation, DelegateResult):
                return _without(state, cause)
            return tuple(replace(one, answered=True) if one.version == cause else one for one in state)
        case LateResultRecorded(cause=cause, observation=DelegateResult()):
            return _without(state, cause)
        case SessionForked():  # They are the parent's, and so is what they spend.
            return ()
        case ActionStarted() | ObservationRecorded() | LateResultRecorded():
            return state


def _without(state: Delegates, version: int | None) -> Delegates:
    return tuple(one for one in state if one.version != version)
