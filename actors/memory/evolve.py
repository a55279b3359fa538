"""How memory's state follows the facts."""

from typing import TypeGuard, get_args

from msgspec.structs import replace

from refold.actors.memory.state import Recall
from refold.eventlog.events import Event, MessageReceived, RecallRecorded, SessionFaulted

type Concerning = MessageReceived | RecallRecorded | SessionFaulted
"""What changes what is to be recalled; every other event leaves it as it is."""
_CONCERNING = frozenset[type](get_args(Concerning.__value__))


def concerns(event: Event) -> TypeGuard[Concerning]:
    """Whether `evolve` has anything to do: asking costs less than going through its cases in vain."""
    return type(event) in _CONCERNING


def evolve(state: Recall, event: Concerning, version: int) -> Recall:
    match event:
        case MessageReceived():
            return replace(
                state,
                waiting=(*state.waiting, version),
                first=version if state.first is None else state.first,
            )
        case RecallRecorded(cause=cause, sources=sources):
            return replace(
                state,
                waiting=tuple(waiting for waiting in state.waiting if waiting != cause),
                shown=(*state.shown, *(source for source in sources if source not in state.shown)),
            )
        case SessionFaulted():
            # What failed may have been the look-up: it is not tried for ever.
            return replace(state, waiting=())
