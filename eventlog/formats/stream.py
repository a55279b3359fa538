"""A trajectory of any kind becomes the events of a stream."""

from msgspec import Struct

from refold.eventlog.actions import Finish, Reject
from refold.eventlog.events import (
    ActionProposed,
    AgentState,
    AgentStateChanged,
    Event,
    MessageReceived,
    SessionImported,
)
from refold.eventlog.formats import atif, mini_swe_agent, openhands, swe_agent
from refold.eventlog.formats.plain import plain_text
from refold.eventlog.formats.refold_records import events_of_records
from refold.eventlog.formats.trajectory import ATIF, MINI_SWE_AGENT, REFOLD_JSONL, SWE_AGENT, Trajectory


class Stream(Struct, frozen=True):
    """`losses` says what became no event of ours; all of it is kept beside those that are."""

    events: tuple[Event, ...]
    losses: tuple[str, ...] = ()


def to_stream(trajectory: Trajectory) -> Stream:
    """Return the stream: `SessionImported` at version 0, and what was recorded behind it."""
    losses = trajectory.losses
    match trajectory.format:
        case str(form) if form == REFOLD_JSONL:
            events = events_of_records(trajectory.events)
        case str(form) if form == ATIF:
            events, losses = atif.events_of(trajectory)
        case str(form) if form == SWE_AGENT:
            events, losses = swe_agent.events_of(trajectory)
        case str(form) if form == MINI_SWE_AGENT:
            events, losses = mini_swe_agent.events_of(trajectory)
        case _:
            events = openhands.events_of(trajectory.events)
    head = SessionImported(
        source=plain_text(trajectory.source),
        format=trajectory.format,
        events=len(events),
        envelope=trajectory.envelope,
        status=_status(events),
    )
    return Stream((head, *events), losses)


def _status(events: list[Event]) -> AgentState:
    """Return the last recorded state that is ours, else finished after `finish`, else stopped."""
    for event in reversed(events):
        if isinstance(event, AgentStateChanged):
            return event.state
    said = (event for event in reversed(events) if isinstance(event, ActionProposed | MessageReceived))
    match next(said, None):
        case ActionProposed(action=Finish()):
            return "finished"
        case ActionProposed(action=Reject()):
            return "rejected"
        case _:
            return "stopped"
