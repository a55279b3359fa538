"""What a person's steering leads to: messages, pause, resume, stop, continue, other settings."""

from typing import assert_never

from msgspec.structs import replace

from refold.actors.controller.limits import extension
from refold.actors.controller.transitions import allowed
from refold.actors.runtime.decide import answer, answer_all
from refold.actors.session.commands import (
    ChangeSettings,
    ContinueAgent,
    PauseAgent,
    ResumeAgent,
    SendMessage,
    StopAgent,
)
from refold.actors.session.refused import Refused
from refold.actors.session.state import State
from refold.eventlog.events import (
    AgentStateChanged,
    AskAbandoned,
    Event,
    LimitsExtended,
    MessageReceived,
    ObservationRecorded,
    SettingsChanged,
)
from refold.eventlog.observations import Cancelled
from refold.eventlog.settings import Settings

type Steering = SendMessage | PauseAgent | ResumeAgent | StopAgent | ContinueAgent | ChangeSettings


def decide_steering(state: State, settings: Settings, command: Steering) -> tuple[Event, ...]:
    match command:
        case SendMessage():
            return (*_task(state), command.fact, *_heard(state, settings))
        case PauseAgent():
            return _move(state, "pause", AgentStateChanged(state="paused"))
        case ResumeAgent():
            if state.agent.state != "paused":
                return ()
            return (_onward(state),)
        case StopAgent():
            return _stop(state)
        case ContinueAgent():
            return _continue(state, settings, command)
        case ChangeSettings(fact=fact):
            return _change(settings, fact)
        case _:
            assert_never(command)


def abandoned(state: State, reason: str) -> tuple[AskAbandoned, ...]:
    ask = state.agent.ask
    return () if ask is None else (AskAbandoned(cause=ask.version, reason=reason),)


def _heard(state: State, settings: Settings) -> tuple[Event, ...]:
    """Return what a user's message changes beside being recorded."""
    extended = () if state.life.parent is not None else extension(state.agent, settings)
    match state.agent.state:
        case "awaiting_user_confirmation":
            return (*extended, *_not_executed(state), _onward(state))
        case "error" | "stopped" | "finished" | "rejected" | "awaiting_user_input":
            return (*extended, _onward(state))
        case "loading" | "running" | "paused" | "rate_limited":
            return extended


def _task(state: State) -> tuple[MessageReceived, ...]:
    """Return the task as the user's first message, if another one would overtake it during the start."""
    life = state.life
    if life.task is None or life.greeted or state.recall.first is not None:
        return ()
    return (MessageReceived(content=life.task, by="user"),)


def _onward(state: State) -> AgentStateChanged:
    """Return how an agent goes on that had halted: a start that is not through is gone on with."""
    return AgentStateChanged(state="running" if state.life.greeted else "loading")


def _not_executed(state: State) -> tuple[ObservationRecorded, ...]:
    said = Cancelled(content="Not executed: the user wrote instead.", reason="user_wrote")
    return tuple(answer(opened, said) for opened in state.hands.open if opened.incarnation is None)


def _stop(state: State) -> tuple[Event, ...]:
    stopped = AgentStateChanged(state="stopped")
    return (
        *abandoned(state, "stopped by the user"),
        *answer_all(state, "stopped", "stopped by the user"),
        *_move(state, "stop", stopped),
    )


def _continue(state: State, settings: Settings, command: ContinueAgent) -> tuple[Event, ...]:
    extended = LimitsExtended(
        iterations=command.iterations or settings.iterations_max,
        budget_usd=settings.budget_usd if command.budget_usd is None else command.budget_usd,
    )
    match state.agent.state:
        case "error" | "stopped" | "paused":
            return (extended, _onward(state))
        case _:
            return (extended,)


def _change(settings: Settings, fact: SettingsChanged) -> tuple[SettingsChanged, ...]:
    """Return the fact without what is in force already; nothing if that was all of it."""
    bare = replace(
        fact,
        model=None if fact.model == settings.model else fact.model,
        base_url=None if fact.base_url == settings.base_url else fact.base_url,
        price=None if fact.price == settings.price else fact.price,
        confirm=None if fact.confirm == settings.confirm else fact.confirm,
        risk=None if fact.risk == settings.risk else fact.risk,
        analyzer=None if fact.analyzer == settings.analyzer else fact.analyzer,
        iterations_max=None if fact.iterations_max == settings.iterations_max else fact.iterations_max,
        budget_usd=None if fact.budget_usd == settings.budget_usd else fact.budget_usd,
        condenser=None if fact.condenser == settings.condenser else fact.condenser,
        script_digest=None if fact.model == settings.model else fact.script_digest,
    )
    return () if bare == SettingsChanged(by=fact.by) else (bare,)


def _move(state: State, verb: str, change: AgentStateChanged) -> tuple[AgentStateChanged, ...]:
    before = state.agent.state
    if before == change.state:
        return ()
    if not allowed(before, change.state):
        raise Refused(f"cannot {verb}: the agent is {before}")
    return (change,)
