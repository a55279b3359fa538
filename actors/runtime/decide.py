"""What the runtime decides: when it needs a runner, and what becomes of each action."""

from refold.actors.controller.policy import may_start
from refold.actors.delegation.decide import begin_delegate
from refold.actors.delegation.state import DELEGATE
from refold.actors.runtime.port import UNKNOWN, driver_incarnation
from refold.actors.runtime.state import ANSWERED_BY_MEMORY, OpenAction
from refold.actors.session.commands import ReportConnection, ReportObservation, ReportTools
from refold.actors.session.state import State
from refold.actors.start.steps import STEPS
from refold.eventlog.actions import McpCall
from refold.eventlog.events import (
    ActionStarted,
    AgentStateChanged,
    AskAbandoned,
    Event,
    LateResultRecorded,
    ObservationRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    WarningRaised,
)
from refold.eventlog.observations import Cancellation, Cancelled, Failure, Observation

MCP_CALL = str(McpCall.__struct_config__.tag)
LOSSES_MAX = 3
"""Runners lost one after the other, without an answer in between, before the session gives up."""


def owes_connection(state: State) -> bool:
    hands, start = state.hands, state.start
    if hands.incarnation is not None or start.releasing:
        return False
    if start.owed and not STEPS[start.owed[0]].connected:
        return False
    return state.agent.state in {"loading", "running"} or hands.acting is not None


def answered_by_memory(state: State) -> tuple[OpenAction, ...]:
    """Return the action that is memory's to answer now: the first that is open, as all are in their order."""
    hands = state.hands
    if hands.started is not None or not hands.open or hands.open[0].kind not in ANSWERED_BY_MEMORY:
        return ()
    return hands.open[:1]


def owes_tools(state: State) -> bool:
    """Whether the start waits to hear what the servers of tools offer; most sessions name none."""
    life = state.life
    if life.settings is None or not life.settings.mcp or life.servers is not None or life.greeted:
        return False
    if state.start.owed or state.start.releasing:  # A step that comes before is not over.
        return False
    return state.agent.state == "loading" and state.hands.incarnation is not None


def decide_tools(state: State, command: ReportTools) -> tuple[Event, ...]:
    """Put the listing on record, once; a server that did not answer does not hold up the start."""
    if not owes_tools(state):
        return ()
    return (command.fact, *(WarningRaised(text=text) for text in command.warnings))


def decide_connection(state: State, command: ReportConnection) -> tuple[Event, ...]:
    hands, fact = state.hands, command.fact
    match fact:
        case RuntimeConnected():
            return () if hands.incarnation is not None or fact.epoch != state.life.epoch else (fact,)
        case RuntimeFailed(reason=reason):
            if hands.incarnation is not None or not owes_connection(state):
                return ()
            return (fact, *give_up(state, f"no runner: {reason}", reason))
        case RuntimeLost(incarnation=incarnation, reason=reason):
            if hands.incarnation != incarnation:
                return ()
            if hands.losses + 1 < LOSSES_MAX:
                return (fact,)
            lost = f"the runner was lost {LOSSES_MAX} times in a row: {reason}"
            return (fact, *give_up(state, lost, lost))


def decide_observation(state: State, command: ReportObservation) -> tuple[Event, ...]:
    fact = command.fact
    if state.hands.find(fact.cause) is None:
        return (LateResultRecorded(cause=fact.cause, observation=fact.observation),)
    return (fact,)


def follow_actions(state: State) -> tuple[Event, ...]:
    """Return what follows from the open actions while the agent runs.

    The next one starts, alone; what only looks starts beside others that only look, as many as may.
    """
    settings = state.life.settings
    started: list[Event] = []
    for opened in state.hands.side_by_side(1 if settings is None else settings.parallel_max):
        if opened.incarnation is not None:
            continue
        if not (events := _begin(state, opened)):
            break  # Nothing overtakes it.
        started += events
    return tuple(started)


def _begin(state: State, opened: OpenAction) -> tuple[Event, ...]:
    """Return what becomes of an action whose turn it is; nothing while it has to wait."""
    hands = state.hands
    if opened.kind in ANSWERED_BY_MEMORY or not may_start(state, opened):
        return ()
    if opened.kind == "other":
        return (answer(opened, Failure(content=f"tool not available: {opened.name}")),)
    if hands.incarnation is None or state.start.owed:
        return ()
    if opened.kind == DELEGATE:
        return begin_delegate(state, opened)
    place = driver_incarnation(state.life.epoch) if opened.kind == MCP_CALL else hands.incarnation
    return (ActionStarted(cause=opened.version, incarnation=place),)


def answer(opened: OpenAction, observation: Observation) -> ObservationRecorded:
    return ObservationRecorded(
        cause=opened.version, observation=observation, tool_call_id=opened.tool_call_id, by="system"
    )


def answer_all(state: State, reason: Cancellation, text: str) -> tuple[ObservationRecorded, ...]:
    """Answer every open action: a started one with what nobody knows, the others as not executed."""
    return tuple(
        answer(
            opened,
            UNKNOWN
            if opened.incarnation not in {None, DELEGATE} and reason == "fault"
            else Cancelled(content=_cancelled(opened, text), reason=reason),
        )
        for opened in state.hands.open
    )


def _cancelled(opened: OpenAction, text: str) -> str:
    if opened.incarnation is not None:
        return f"Interrupted: {text}. What it had done until then stays done."
    return f"Not executed: {text}."


def give_up(state: State, said: str, reason: str) -> tuple[Event, ...]:
    """Return the end of a run that has no runner: nothing stays open, no answer is waited for."""
    ask = state.agent.ask
    return (
        *(() if ask is None else (AskAbandoned(cause=ask.version, reason=said),)),
        *answer_all(state, "fault", said),
        AgentStateChanged(state="error", reason=reason),
    )
