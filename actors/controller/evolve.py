"""How the controller's state follows the facts."""

from typing import get_args

from msgspec.structs import replace

from refold.actors.controller.state import Agent, Ask, Reenactment, Step
from refold.actors.controller.stuck import acted, observed
from refold.eventlog.actions import Finish, Message, Reject, TrackTasks
from refold.eventlog.condensation import CondensationAsked, Condensed
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    AskAbandoned,
    CallRefused,
    Event,
    FaultClass,
    LateResultRecorded,
    LimitsExtended,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    SessionFaulted,
    SessionForked,
    SessionImported,
    SessionStarted,
    SettingsChanged,
    StepReenacted,
)
from refold.eventlog.observations import DelegateResult, Observation
from refold.eventlog.settings import Settings
from refold.projections.tasks import tasks_after

type Concerning = (
    SessionStarted
    | SessionForked
    | SessionImported
    | AgentStateChanged
    | SessionFaulted
    | SettingsChanged
    | LimitsExtended
    | MessageReceived
    | ModelAsked
    | ModelAnswered
    | ModelFailed
    | AskAbandoned
    | CallRefused
    | CondensationAsked
    | Condensed
    | StepReenacted
    | ActionProposed
    | ObservationRecorded
    | LateResultRecorded
)
"""What changes an agent; every other event leaves it as it is."""
CONCERNING = frozenset[type[Event]](get_args(Concerning.__value__))


def evolve(state: Agent, event: Concerning, version: int) -> Agent:
    match event:  # What happens most comes first: to see that an event is another one costs 0.1 µs.
        case ActionProposed():
            return _proposed(state, event, version)
        case ObservationRecorded(observation=observation):
            seen = replace(state, turns=observed(state.turns, event), unseen=True)
            return _spent(seen, observation)
        case ModelAsked(purpose=purpose):
            return (_asked if purpose == "step" else _asked_aside)(state, event, version)
        case ModelAnswered() | ModelFailed() if state.ask is not None and state.ask.purpose == "condense":
            return _accepted(state, event.cost_usd if isinstance(event, ModelAnswered) else 0.0)
        case ModelAnswered(cost_usd=cost_usd):
            return replace(_accepted(state, cost_usd), step=None, repairs=state.repairs + 1)
        case AgentStateChanged():
            return _changed(state, event, version)
        case MessageReceived():
            told = replace(state, reenactment=_interjected(state.reenactment, version))
            return replace(
                told, unseen=True, unheard=True, finishing=False, waiting=False, repairs=0, turns=()
            )
        case SessionStarted(settings=settings, reenacts=source, strict=strict):
            recording = None if source is None else Reenactment(source=source, strict=strict)
            return _limited(replace(state, reenactment=recording), settings)
        case SessionForked(settings=settings):
            forked = replace(state, reenactment=None, unseen=state.unseen or _is_cut(state))
            return forked if settings is None else _limited(forked, settings)
        case SessionImported(status=status):
            return replace(state, state=status, state_version=version)
        case SessionFaulted():
            owed = state.unseen or state.step is not None
            faulted = replace(state, state="error", state_version=version, retry_at=None, step=None)
            return replace(faulted, finishing=False, waiting=False, unseen=owed)
        case SettingsChanged():
            return _configured(state, event)
        case LimitsExtended():
            return _extended(state, event)
        case ModelFailed(fault=fault):
            return _failed(_accepted(state, 0.0), fault)
        case AskAbandoned():
            cost_usd = state.ask.cost_estimated_usd if state.ask is not None else 0.0
            return replace(state, ask=None, cost_usd=_sum(state.cost_usd, cost_usd))
        case CondensationAsked(step=step) | Condensed(step=step):
            return replace(state, iterations=max(state.iterations, step))
        case CallRefused():
            return replace(state, unseen=True)
        case StepReenacted():
            return _reenacted(state, event, version)
        case LateResultRecorded(observation=observation):
            return _spent(state, observation)


def _proposed(state: Agent, event: ActionProposed, version: int) -> Agent:
    proposed = _acted(state, event, version)
    match event.action:
        case Message(waits=waits):
            return replace(proposed, waiting=waits)
        case Finish():
            return replace(proposed, finishing=True, rejecting=False)
        case Reject():
            return replace(proposed, finishing=True, rejecting=True)
        case TrackTasks():
            return replace(proposed, tasks=tasks_after(state.tasks, event))
        case _:
            return proposed


def _spent(state: Agent, observation: Observation) -> Agent:
    """Count what a delegate used up, as if the session itself had."""
    if not isinstance(observation, DelegateResult):
        return state
    return replace(
        state,
        iterations=state.iterations + observation.iterations,
        cost_usd=_sum(state.cost_usd, observation.cost_usd),
    )


def _is_cut(state: Agent) -> bool:
    """Whether a fork may stand behind an answer whose actions are lost: then it asks the model again."""
    return state.state == "running" and state.iterations > 0


def _limited(state: Agent, settings: Settings) -> Agent:
    return replace(state, iterations_max=settings.iterations_max, budget_usd=settings.budget_usd)


def _extended(state: Agent, event: LimitsExtended) -> Agent:
    """Count afresh from here, circles and repairs too: a person has looked and wants it to go on."""
    extended = replace(
        state, iterations_base=state.iterations, iterations_max=event.iterations, repairs=0, turns=()
    )
    if event.budget_usd is None:
        return extended
    return replace(extended, cost_base_usd=state.cost_usd or 0.0, budget_usd=event.budget_usd)


def _changed(state: Agent, event: AgentStateChanged, version: int) -> Agent:
    changed = replace(state, state=event.state, state_version=version, retry_at=event.retry_at)
    match event.state:
        case "stopped" | "error" | "rejected":
            owed = state.unseen or state.step is not None
            return replace(changed, step=None, finishing=False, waiting=False, unseen=owed)
        case "finished" | "awaiting_user_input":
            return replace(changed, step=None, finishing=False, waiting=False, unseen=False)
        case _:
            return changed


def _configured(state: Agent, event: SettingsChanged) -> Agent:
    return replace(
        state,
        iterations_max=state.iterations_max if event.iterations_max is None else event.iterations_max,
        budget_usd=state.budget_usd if event.budget_usd is None else event.budget_usd,
    )


def _asked(state: Agent, event: ModelAsked, version: int) -> Agent:
    asked = replace(
        state, ask=_ask(event, version), unseen=False, unheard=False, finishing=False, waiting=False
    )
    if state.step is None:
        step = Step(number=event.step, attempts=event.attempt)
        return replace(asked, step=step, iterations=state.iterations + 1)
    return replace(asked, step=replace(state.step, attempts=event.attempt))


def _asked_aside(state: Agent, event: ModelAsked, version: int) -> Agent:
    """Take note of a question that is no step of the agent's."""
    return replace(state, ask=_ask(event, version))


def _ask(event: ModelAsked, version: int) -> Ask:
    return Ask(
        version=version,
        attempt=event.attempt,
        cost_estimated_usd=event.cost_estimated_usd,
        model=event.model,
        purpose=event.purpose,
    )


def _failed(state: Agent, fault: FaultClass) -> Agent:
    """Count a failed try. A step that was too long for its model is over: the next one is shown less."""
    step = state.step
    if step is None:
        return state
    if fault == "context_window":
        return replace(state, step=None, unseen=True)
    return replace(state, step=replace(step, failures=step.failures + 1))


def _accepted(state: Agent, cost_usd: float | None) -> Agent:
    model = "" if state.ask is None else state.ask.model
    scripts = _read_on(state, model) if model.startswith("script:") else state.scripts
    return replace(state, ask=None, cost_usd=_sum(state.cost_usd, cost_usd), scripts=scripts)


def _read_on(state: Agent, model: str) -> tuple[tuple[str, int], ...]:
    rest = [script for script in state.scripts if script[0] != model]
    return (*rest, (model, state.script_line(model) + 1))


def _acted(state: Agent, event: ActionProposed, version: int) -> Agent:
    step = 1 if state.reenacting else 0
    turns = acted(state.turns, event, version)
    return replace(state, turns=turns, repairs=0, iterations=state.iterations + step)


def _reenacted(state: Agent, event: StepReenacted, version: int) -> Agent:
    """Go on with the recording: its own messages were heard in it, those of a person wait for its end."""
    recording = state.reenactment
    if recording is None:
        return state
    reached = replace(recording, cursor=event.source, ended=event.end, diverged=event.diverged, begun=version)
    if event.end:
        return replace(state, reenactment=reached)
    return replace(
        state,
        reenactment=reached,
        unseen=recording.interjected,
        unheard=recording.interjected,
        finishing=False,
        waiting=False,
    )


def _interjected(recording: Reenactment | None, version: int) -> Reenactment | None:
    """Return the re-enactment with a note of a message at `version`, if it is not the recording's own."""
    if recording is None or recording.ended or recording.interjected or version == recording.begun + 1:
        return recording
    return replace(recording, interjected=True)


def _sum(spent: float | None, more: float | None) -> float | None:
    return None if spent is None or more is None else spent + more
