"""How memory's state follows the facts."""

from msgspec.structs import replace

from refold.actors.memory.state import Recall
from refold.eventlog.events import Event, MessageReceived, RecallRecorded, SessionFaulted


def evolve(state: Recall, event: Event, version: int) -> Recall:
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
        case _:
            return state
