"""Import of trajectories: each recorded event becomes one of ours and keeps its original beside it."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from refold.eventlog.events import (
    ActionProposed,
    AgentState,
    AgentStateChanged,
    Event,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    SystemMessageAdded,
)
from refold.eventlog.fact import By
from refold.eventlog.formats.openhands_actions import action_of, tool_call_id_of
from refold.eventlog.formats.openhands_observations import observation_of
from refold.eventlog.formats.plain import plain, rows_of, table_of, text_of
from refold.eventlog.formats.trajectory import ForeignEvent

_STATES: tuple[AgentState, ...] = get_args(AgentState.__value__)
_NO_WISH = ("recall", "change_agent_state", "condensation", "condensation_request", "null")
"""Actions by which that system steered itself: nobody wanted anything of the world."""


def events_of(recorded: Sequence[ForeignEvent]) -> list[Event]:
    """Return the events: the i-th recorded one at version i + 1."""
    versions: dict[int, int] = {}
    actions: set[int] = set()
    events: list[Event] = []
    for version, foreign in enumerate(recorded, start=1):
        event = _event(foreign, versions, actions)
        if isinstance(event, ActionProposed):
            actions.add(version)
        identity = foreign.value.get("id")
        if type(identity) is int:
            versions[identity] = version
        events.append(event)
    return events


def _event(foreign: ForeignEvent, versions: Mapping[int, int], actions: set[int]) -> Event:
    value, text = foreign.value, foreign.text
    by, cause = _by(value), _cause(value, versions)
    if isinstance(value.get("action"), str):
        return _of_action(value, text, by, cause)
    match text_of(value.get("observation")) or "null":
        case "agent_state_changed":
            extras = table_of(value.get("extras"))
            state = _state(extras.get("agent_state"))
            if state is None:
                return ForeignRecorded(name="agent_state_changed", by=by, cause=cause, foreign=text)
            reason = text_of(extras.get("reason"))
            return AgentStateChanged(state=state, reason=reason, by=by, cause=cause, foreign=text)
        case "recall" | "null" as name if name == "recall" or cause not in actions:
            return ForeignRecorded(name=name, by=by, cause=cause, foreign=text)
        case _:
            return ObservationRecorded(
                observation=observation_of(value),
                tool_call_id=tool_call_id_of(value),
                cause=cause,
                by=by,
                foreign=text,
            )


def _of_action(value: Mapping[str, Any], text: str, by: By, cause: int | None) -> Event:
    kind, arguments = text_of(value.get("action")), table_of(value.get("args"))
    match kind:
        case "message" if by == "user":
            content = text_of(arguments.get("content"))
            return MessageReceived(content=content, by=by, cause=cause, foreign=text)
        case "system":
            return SystemMessageAdded(
                content=text_of(arguments.get("content")),
                tools=_tools(arguments.get("tools")),
                by=by,
                cause=cause,
                foreign=text,
            )
        case _ if by == "system" or kind in _NO_WISH:
            return ForeignRecorded(name=kind, by=by, cause=cause, foreign=text)
        case _:
            call = tool_call_id_of(value)
            return ActionProposed(
                action=action_of(value), tool_call_id=call, by=by, cause=cause, foreign=text
            )


def _tools(value: Any) -> tuple[dict[str, Any], ...]:  # noqa: ANN401 - JSON can be anything
    return tuple(table_of(plain(tool)) for tool in rows_of(value))


def _by(value: Mapping[str, Any]) -> By:
    """Return who it was; the environment is the system, as is whoever we do not know."""
    match value.get("source"):
        case "user":
            return "user"
        case "agent":
            return "agent"
        case _:
            return "system"


def _cause(value: Mapping[str, Any], versions: Mapping[int, int]) -> int | None:
    """Return our version of the event that this one answers; None where it names none that came before."""
    cause = value.get("cause")
    return versions.get(cause) if type(cause) is int else None


def _state(value: Any) -> AgentState | None:  # noqa: ANN401 - JSON can be anything
    return next((state for state in _STATES if state == value), None)
