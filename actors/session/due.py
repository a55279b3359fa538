"""What a session owes the world: derived from state alone, so that no crash loses it."""

import hashlib
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from refold.actors.controller.decide import owes_ask, owes_recording
from refold.actors.controller.transitions import RESTING
from refold.actors.delegation.state import DELEGATE
from refold.actors.memory.decide import owes_summary
from refold.actors.runtime.decide import answered_by_memory, owes_connection, owes_tools
from refold.actors.session.state import State
from refold.actors.start.decide import owes_step
from refold.eventlog.starting import StartStep


class _Effect(Struct, frozen=True, kw_only=True):
    """An effect is known by its `key`, never compared by value."""

    key: str


class Connect(_Effect, frozen=True, kw_only=True):
    """Find the session's runner, or launch one."""

    epoch: int


class RunStep(_Effect, frozen=True, kw_only=True):
    """Do the next step of the start, in the runner called `incarnation` if it needs one."""

    step: StartStep
    incarnation: str | None


class Release(_Effect, frozen=True, kw_only=True):
    """End the runner of a start that failed."""


class Execute(_Effect, frozen=True, kw_only=True):
    """Carry out the action at `action`, or collect what came of it; `started_in` is its incarnation."""

    action: int
    started_in: str


class ListTools(_Effect, frozen=True, kw_only=True):
    """Ask the servers that the settings name which tools they offer."""


class PrepareAsk(_Effect, frozen=True, kw_only=True):
    """Build the request of a step's next attempt, to be recorded before it leaves."""

    step: int
    attempt: int


class AskModel(_Effect, frozen=True, kw_only=True):
    """Send the request that was recorded at `ask`."""

    ask: int


class PrepareSummary(_Effect, frozen=True, kw_only=True):
    """Build the question for the summary that was asked for at `condensation`."""

    condensation: int
    attempt: int


class AskSummary(_Effect, frozen=True, kw_only=True):
    """Send the question for a summary that was recorded at `ask`."""

    ask: int


class LoadSkill(_Effect, frozen=True, kw_only=True):
    """Look up the skill that the action at `action` names."""

    action: int


class ReadRecording(_Effect, frozen=True, kw_only=True):
    """Look up the next step of the recording that is re-enacted."""

    source: str
    cursor: int


class Recall(_Effect, frozen=True, kw_only=True):
    """Look up what memory knows about the message at `message`."""

    message: int
    first: bool


class RecallFolders(_Effect, frozen=True, kw_only=True):
    """Look up the instructions of `folders`, which the action at `action` touches."""

    action: int
    folders: tuple[str, ...]


class SetTimer(_Effect, frozen=True, kw_only=True):
    """Fire at `when` (ns UTC) the timer that the event at `timer` set."""

    timer: int
    when: int


class AwaitDelegate(_Effect, frozen=True, kw_only=True):
    """Have the delegate of the action at `action` run, and hear what came of it."""

    action: int


type Effect = (
    Connect
    | ListTools
    | RunStep
    | Release
    | Execute
    | PrepareAsk
    | AskModel
    | PrepareSummary
    | AskSummary
    | ReadRecording
    | Recall
    | RecallFolders
    | LoadSkill
    | SetTimer
    | AwaitDelegate
)


class Owed(Struct, frozen=True):
    """The effects that a state awaits, and their keys: every follower compares them."""

    effects: tuple[Effect, ...]
    keys: frozenset[str]


NOTHING_OWED = Owed((), frozenset())


def owed(state: State) -> Owed:
    """Return what `state` awaits, to be handed to whoever follows the session."""
    effects = due(state)
    return Owed(effects, frozenset([effect.key for effect in effects])) if effects else NOTHING_OWED


def due(state: State) -> tuple[Effect, ...]:
    """Return every effect that this state awaits."""
    life, agent, hands = state.life, state.agent, state.hands
    if life.settings is None or life.imported or life.closed:
        return ()
    effects: list[Effect] = []
    if owes_connection(state):
        effects.append(Connect(key=f"connect/{life.epoch}/{hands.launches}/{hands.losses}", epoch=life.epoch))
    if owes_tools(state):
        effects.append(ListTools(key=f"tools/{life.epoch}"))
    if (step := owes_step(state)) is not None:
        key = f"start/{step}/{state.start.failures}/{hands.incarnation}"
        effects.append(RunStep(key=key, step=step, incarnation=hands.incarnation))
    if state.start.releasing:
        effects.append(Release(key=f"release/{state.start.failures}"))
    if hands.incarnation is not None:
        effects += [
            Execute(
                key=f"execute/{opened.version}/{hands.incarnation}",
                action=opened.version,
                started_in=opened.incarnation,
            )
            for opened in hands.open
            if opened.incarnation is not None and opened.incarnation != DELEGATE
        ]
    if agent.state not in RESTING:
        effects += [
            Recall(key=f"recall/{message}", message=message, first=not state.recall.oriented)
            for message in state.recall.waiting[:1]  # One by one, so that none shows what another does.
        ]
        effects += [
            RecallFolders(key=f"folders/{one.cause}", action=one.cause, folders=one.folders)
            for one in state.recall.touched
        ]
        effects += [
            LoadSkill(key=f"skill/{opened.version}", action=opened.version)
            for opened in answered_by_memory(state)
        ]
    if agent.ask is not None:
        to_ask = AskModel if agent.ask.purpose == "step" else AskSummary
        effects.append(to_ask(key=f"ask/{agent.ask.version}", ask=agent.ask.version))
    if state.recall.condensation is not None and owes_summary(state):
        version, attempt = state.recall.condensation.version, state.recall.condensation.attempts + 1
        effects.append(
            PrepareSummary(key=f"summary/{version}/{attempt}", condensation=version, attempt=attempt)
        )
    if owes_ask(state):
        number, attempt = next_attempt(state)
        effects.append(
            PrepareAsk(key=f"prepare/{number}/{attempt}/{state.version}", step=number, attempt=attempt)
        )
    if owes_recording(state) and agent.reenactment is not None:
        cursor = agent.reenactment.cursor
        effects.append(
            ReadRecording(key=f"recording/{cursor}", source=agent.reenactment.source, cursor=cursor)
        )
    if agent.state == "rate_limited" and agent.retry_at is not None:
        effects.append(
            SetTimer(key=f"timer/{agent.state_version}", timer=agent.state_version, when=agent.retry_at)
        )
    if state.delegates:
        effects += [
            AwaitDelegate(key=f"delegate/{one.version}", action=one.version)
            for one in state.delegates
            if one.answered or agent.state != "paused"
        ]
    return tuple(effects)


def next_attempt(state: State) -> tuple[int, int]:
    """Return the step and attempt that the next ask belongs to."""
    agent = state.agent
    if agent.step is None:
        return agent.iterations + 1, 1
    return agent.step.number, agent.step.attempts + 1


def agenda(effects: Sequence[Effect]) -> bytes:
    """Return a stream's entry in the agenda: the effects it owes, by key; empty when it owes nothing."""
    return msgspec.msgpack.encode([effect.key for effect in effects]) if effects else b""


def configuration_digest(state: State) -> str:
    """Return what a claim calls the settings in force."""
    return hashlib.sha256(msgspec.json.encode(state.life.settings, order="deterministic")).hexdigest()
