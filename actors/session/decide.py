"""The session's decider: a command meets the state, the nouns answer, and what follows is decided with it."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from refold.actors.agents.registry import greeting, missing
from refold.actors.controller.confirmation import decide_confirm, decide_reject, follow_confirmation
from refold.actors.controller.decide import (
    decide_answer,
    decide_ask,
    decide_forgetting,
    decide_recording,
    decide_timer,
    follow_agent,
)
from refold.actors.controller.steer import abandoned, decide_steering
from refold.actors.controller.transitions import allowed
from refold.actors.delegation.decide import check_delegate, decide_delegate
from refold.actors.delegation.state import DELEGATE
from refold.actors.memory.decide import decide_recall, follow_condensing
from refold.actors.runtime.decide import (
    answer,
    decide_connection,
    decide_observation,
    decide_tools,
    follow_actions,
    owes_tools,
)
from refold.actors.security.names import no_analyzer
from refold.actors.session.commands import (
    BeginAsk,
    BeginCondensation,
    ChangeSettings,
    ClaimSession,
    CloseSession,
    Command,
    ConfirmActions,
    ContinueAgent,
    FireTimer,
    PauseAgent,
    RejectActions,
    ReportAnswer,
    ReportConnection,
    ReportDelegate,
    ReportObservation,
    ReportRecall,
    ReportRecording,
    ReportRelease,
    ReportStep,
    ReportTools,
    ResumeAgent,
    SendMessage,
    StartSession,
    StopAgent,
)
from refold.actors.session.evolve import evolve
from refold.actors.session.refused import Refused
from refold.actors.session.state import State
from refold.actors.start.decide import decide_release, decide_step, ended, follow_secrets
from refold.eventlog.condensers import complaint
from refold.eventlog.events import (
    AgentStateChanged,
    Event,
    LateAnswerRecorded,
    LateResultRecorded,
    MessageReceived,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClosed,
)
from refold.eventlog.observations import Cancelled

_FOLLOWING_MAX = 64
"""Consequences of one command; more of them would be a circle in the rules, and a bug."""

_FOLLOW: tuple[Callable[[State], tuple[Event, ...]], ...] = (
    lambda state: _follow_start(state),  # noqa: PLW0108 - defined below, in reading order
    follow_secrets,
    follow_confirmation,
    follow_actions,
    follow_condensing,
    follow_agent,
)


MAY_COME_TWICE = frozenset[type[Event]](
    {LateAnswerRecorded, LateResultRecorded, RuntimeConnected, RuntimeFailed, RuntimeLost}
)
"""What an outcome can lead to that had been recorded before; every other decider sees that it is not awaited.

Only these are looked up (a person's commands always are): it costs a tenth of a millisecond.
"""


class Foreseen(Struct, frozen=True, gc=False):
    """What a command makes true, and the state after each of these events."""

    events: tuple[Event, ...]
    states: tuple[State, ...]


def decide(state: State, command: Command) -> tuple[Event, ...]:
    """Return what `command` makes true, with all that follows from it; nothing if it changes nothing.

    Raises `Refused` if the present state cannot honour it.
    """
    return foresee(state, command).events


def foresee(state: State, command: Command) -> Foreseen:
    """Decide, and keep the states that deciding has to go through: an event is not folded twice for it."""
    events = list(_respond(state, command))
    states = _advance(state, events)
    for _ in range(_FOLLOWING_MAX):
        state = states[-1] if states else state
        following = _follow(state)
        if not following:
            return Foreseen(tuple(events), tuple(states))
        events.extend(following)
        try:
            states.extend(_advance(state, following))
        except Refused as wrong:
            raise AssertionError(f"a rule leads where the table does not after {command}: {wrong}") from wrong
    raise AssertionError(f"the rules go in a circle after {command}")


def _respond(state: State, command: Command) -> tuple[Event, ...]:
    life = state.life
    if isinstance(command, StartSession):
        if state.version >= 0:
            raise Refused("the session was started before")
        if wrong := complaint(command.fact.settings.condenser):
            raise Refused(wrong)
        return (command.fact, command.claim)
    if life.imported:
        raise Refused(
            "the session was imported and owes nothing: `replay` re-enacts it, `fork` goes on from it"
        )
    settings = life.settings
    if settings is None:
        raise Refused("the session was not started")
    if isinstance(command, ClaimSession):
        if command.fact.epoch != life.epoch + 1:
            raise Refused(f"a claim of epoch {command.fact.epoch} where {life.epoch + 1} is next")
        return (command.fact, *abandoned(state, "its driver is gone"))
    if life.closed:
        return _closed(command)
    match command:
        case BeginAsk():
            return decide_ask(state, command)
        case ReportAnswer():
            return decide_answer(state, command)
        case ReportConnection():
            return decide_connection(state, command)
        case ReportObservation():
            return decide_observation(state, command)
        case ReportRecall():
            return decide_recall(state, command)
        case SendMessage() | PauseAgent() | ResumeAgent() | StopAgent() | ContinueAgent() | ChangeSettings():
            check_delegate(state, command)
            return decide_steering(state, settings, command)
        case CloseSession(reason=reason):
            return _close(state, reason)
        case ConfirmActions():
            return decide_confirm(state, command)
        case RejectActions():
            return decide_reject(state, command)
        case BeginCondensation():
            return decide_forgetting(state, command)
        case ReportDelegate():
            return decide_delegate(state, command)
        case ReportRecording():
            return decide_recording(state, command)
        case ReportTools():
            return decide_tools(state, command)
        case ReportStep():
            return decide_step(state, command)
        case ReportRelease():
            return decide_release(state, command)
        case FireTimer():
            return decide_timer(state, command)


def _closed(command: Command) -> tuple[Event, ...]:
    if isinstance(command, CloseSession):
        return ()
    raise Refused("the session is closed: `resume` opens it again")


def _close(state: State, reason: str) -> tuple[Event, ...]:
    said = Cancelled(
        content=f"Interrupted: the session was closed ({reason}) while this ran. "
        "What it had done stays done.",
        reason="closed",
    )
    running = tuple(
        answer(opened, said)
        for opened in state.hands.open
        if opened.incarnation not in {None, DELEGATE}  # A delegate is closed itself, and goes on with it.
    )
    return (*abandoned(state, f"the session was closed ({reason})"), *running, SessionClosed(reason=reason))


def _follow(state: State) -> tuple[Event, ...]:
    if state.life.closed or state.agent.state not in {"loading", "running"}:
        return ()
    return next((events for rule in _FOLLOW if (events := rule(state))), ())


def _follow_start(state: State) -> tuple[Event, ...]:
    """Return the end of a start: the system message, the task as a user's message, the first state."""
    life = state.life
    if life.greeted:
        if state.agent.state == "loading":
            return (AgentStateChanged(state="running"),)
        return ()
    if life.settings is None:
        return ()
    settings = life.settings
    if reason := missing(settings.agent, settings.role) or no_analyzer(settings.analyzer_in_force):
        return (AgentStateChanged(state="error", reason=reason),)
    if state.hands.incarnation is None or state.start.owed or owes_tools(state):
        return ()
    greeted = greeting(settings, life.servers or (), place=state.hands.place)
    through = (*ended(state), greeted, AgentStateChanged(state="running"))
    if life.task is not None and state.recall.first is None:
        return (*through, MessageReceived(content=life.task, by="user"))
    return through


def _advance(state: State, events: Sequence[Event]) -> list[State]:
    """Return the state after each of the events."""
    states: list[State] = []
    for event in events:
        if type(event) is AgentStateChanged and not allowed(state.agent.state, event.state):
            raise Refused(f"the agent is {state.agent.state} and cannot become {event.state}")
        state = evolve(state, event, state.version + 1)
        states.append(state)
    return states
