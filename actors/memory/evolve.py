"""How memory's state follows the facts."""

from typing import get_args

from msgspec.structs import replace

from refold.actors.memory.state import Condensation, Recall, Shown, Touched
from refold.actors.memory.touching import touched, words
from refold.eventlog.actions import Action, Edit, Read, Run, Write
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    AskAbandoned,
    Event,
    LimitsExtended,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    SessionFaulted,
    SettingsChanged,
)
from refold.eventlog.observations import Observation, RunOutput
from refold.projections.pieces import within

type Concerning = (
    MessageReceived
    | RecallRecorded
    | ActionProposed
    | ObservationRecorded
    | ModelAsked
    | ModelAnswered
    | ModelFailed
    | AskAbandoned
    | CondensationAsked
    | Condensed
    | CondensationFailed
    | AgentStateChanged
    | LimitsExtended
    | SettingsChanged
    | SessionFaulted
)
"""What changes what is to be recalled or forgotten; every other event leaves it as it is."""
CONCERNING = frozenset[type[Event]](get_args(Concerning.__value__))


def evolve(state: Recall, event: Concerning, version: int) -> Recall:
    match event:
        case ActionProposed(action=action):
            return _touched(state, version, _places(action)) if state.folders else state
        case ObservationRecorded(observation=observation):
            return _went(state, observation, version) if state.folders else state
        case ModelAsked(purpose=purpose, attempt=attempt):
            return state if purpose == "step" else _condensation(state, attempts=attempt, ask=version)
        case ModelAnswered() | ModelFailed() | AskAbandoned():
            return _answered(state, event)
        case AgentStateChanged(state=reached):
            ends = reached in {"stopped", "error"} and state.condensation is not None
            return replace(state, condensation=None) if ends else state
        case MessageReceived():
            return replace(
                state,
                waiting=(*state.waiting, version),
                first=version if state.first is None else state.first,
                condensed_tokens=None,
            )
        case RecallRecorded():
            return _recalled(state, event, version)
        case CondensationAsked():
            return replace(state, condensation=Condensation(version=version, fact=event))
        case Condensed():
            return _condensed(state, event)
        case CondensationFailed():
            return replace(state, condensation=None, overflowed=False)
        case LimitsExtended():
            return replace(state, condensed_tokens=None)
        case SettingsChanged(model=model, condenser=condenser):
            if model is None and condenser is None:
                return state
            return replace(state, overflowed=False, condensed_tokens=None)
        case SessionFaulted():
            # What failed may have been the look-up: it is not tried for ever.
            return replace(state, waiting=(), touched=(), condensation=None)


def _places(action: Action) -> tuple[str, ...]:
    """Return where an action goes to work, as far as it says so."""
    match action:
        case Read(path=path) | Edit(path=path) | Write(path=path):
            return (path,)
        case Run(command=command, is_input=False):
            return tuple(words(command))
        case _:
            return ()


def _went(state: Recall, observation: Observation, version: int) -> Recall:
    """Take note of where a command left the agent's shell."""
    match observation:
        case RunOutput(directory=directory) if directory:
            return _touched(state, version, (directory,))
        case _:
            return state


def _touched(state: Recall, version: int, places: tuple[str, ...]) -> Recall:
    """Have the instructions recalled that hold there and are neither shown nor about to be."""
    known = {*state.sources, *(path for one in state.touched for path in one.folders)}
    folders = tuple(path for path in state.folders if path not in known and touched(path, places))
    return replace(state, touched=(*state.touched, Touched(version, folders))) if folders else state


def _recalled(state: Recall, event: RecallRecorded, version: int) -> Recall:
    cause = version if event.cause is None else event.cause
    looked_up = {path for one in state.touched if one.cause == cause for path in one.folders}
    known = tuple(path for path in state.folders if path not in looked_up or path in event.sources)
    sources, beside = state.sources, cause if cause in state.waiting else version
    return replace(
        state,
        waiting=tuple(waiting for waiting in state.waiting if waiting != cause),
        oriented=state.oriented or event.recall == "workspace_context",
        touched=tuple(one for one in state.touched if one.cause != cause),
        shown=(*state.shown, *(Shown(source, beside) for source in event.sources if source not in sources)),
        folders=(*known, *(path for path in event.folders if path not in known)),
    )


def _answered(state: Recall, event: ModelAnswered | ModelFailed | AskAbandoned) -> Recall:
    """Tell what came of the question for a summary from what came of a step."""
    condensing = state.condensation
    if condensing is not None and condensing.ask is not None and condensing.ask == event.cause:
        match event:
            case ModelFailed(fault=fault):
                if fault == "context_window":
                    return _condensation(state, ask=None, shrinks=condensing.shrinks + 1)
                return _condensation(state, ask=None, failures=condensing.failures + 1)
            case ModelAnswered() | AskAbandoned():
                return _condensation(state, ask=None)
    match event:
        case ModelFailed(fault="context_window"):
            return replace(state, overflowed=True)
        case ModelAnswered() if state.overflowed or state.condensed_tokens is not None:
            return replace(state, overflowed=False, condensed_tokens=None)
        case _:
            return state


def _condensation(state: Recall, **changes: int | None) -> Recall:
    condensing = state.condensation
    return state if condensing is None else replace(state, condensation=replace(condensing, **changes))


def _condensed(state: Recall, event: Condensed) -> Recall:
    """Forget having shown what is not shown any more: it may be recalled again."""
    return replace(
        state,
        shown=tuple(shown for shown in state.shown if not within(shown.beside, event.forgotten)),
        condensation=None,
        overflowed=False,
        condensed_tokens=event.tokens,
    )
