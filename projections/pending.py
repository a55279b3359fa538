"""Answers which actions wait for their observation."""

from collections.abc import Iterable

from msgspec import Struct

from refold.eventlog.actions import Message
from refold.eventlog.events import ActionProposed, ObservationRecorded
from refold.eventlog.record import Record
from refold.projections.render import kind_of


class Open(Struct, frozen=True):
    """An action without an observation."""

    version: int
    kind: str


class Pending:
    """The open actions, oldest first. What was imported is owed nothing, answered or not."""

    def initial(self) -> tuple[Open, ...]:
        return ()

    def fold(self, state: tuple[Open, ...], record: Record) -> tuple[Open, ...]:
        match record.event:
            case ActionProposed(foreign=None, action=action) if not isinstance(action, Message):
                return (*state, Open(record.version, kind_of(action)))
            case ObservationRecorded(cause=cause):
                return tuple(action for action in state if action.version != cause)
            case _:
                return state


def pending(records: Iterable[Record]) -> tuple[Open, ...]:
    """Return the open actions after all `records`."""
    projection = Pending()
    state = projection.initial()
    for record in records:
        state = projection.fold(state, record)
    return state
