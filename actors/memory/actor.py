"""The Memory actor: looks up what the agent should know, and has summed up what it is to forget."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from refold.actors.controller.actor import Models
from refold.actors.dispatch.port import Dispatcher
from refold.actors.follower import Follower
from refold.actors.memory.summaries import Summaries
from refold.actors.session.commands import BeginAsk, ReportAnswer, ReportObservation, ReportRecall
from refold.actors.session.due import AskSummary, Effect, LoadSkill, PrepareSummary, Recall, RecallFolders
from refold.actors.session.messages import memory_name
from refold.actors.session.state import State
from refold.eventlog.actions import LoadSkill as LoadSkillAction
from refold.eventlog.events import (
    ActionProposed,
    Event,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
)
from refold.eventlog.log import EventLog
from refold.eventlog.observations import Failure, SkillLoaded
from refold.eventlog.record import Record
from refold.eventlog.settings import Settings


class Sources(Protocol):
    """Where memory looks. All may read files; none raises: what is unreadable is a warning, or a failure."""

    def workspace(self, settings: Settings, text: str, now_ns: int, place: str = "") -> RecallRecorded:
        """Return what the agent should know of its workspace, and of whatever `text` triggers.

        `place` is where commands see the workspace, if that is known.
        """
        ...

    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:
        """Return the texts that `text` triggers, without those `shown` before."""
        ...

    def folders(self, settings: Settings, paths: tuple[str, ...]) -> RecallRecorded:
        """Return the instructions of single folders, given by the paths of their files."""
        ...

    def skill(self, settings: Settings, name: str) -> SkillLoaded | Failure:
        """Return the skill that the agent knows by this name."""
        ...


class _Recalled(Struct, frozen=True):
    cause: int
    fact: RecallRecorded


class _Loaded(Struct, frozen=True):
    action: int
    tool_call_id: str | None
    observation: SkillLoaded | Failure


class _SummedUp(Struct, frozen=True):
    """What came of asking for a summary."""

    ask: int
    fact: ModelAnswered | ModelFailed


_NOTED = frozenset[type[Event]](
    {MessageReceived, RecallRecorded, ActionProposed, ObservationRecorded, ModelAsked}
)


class MemoryActor(Follower):
    def __init__(  # noqa: PLR0913, PLR0917 - all that it is to one session
        self, port: Dispatcher, stream: str, log: EventLog, met: State, sources: Sources, models: Models
    ) -> None:
        super().__init__(port, memory_name(stream), stream, log, met)
        self._sources = sources
        self._summaries = Summaries(stream, log, models)
        self._messages: dict[int, str] = {}
        self._skills: dict[int, tuple[str, str | None]] = {}
        self._asked: tuple[int, ModelAsked] | None = None

    def on_record(self, record: Record) -> None:
        if type(record.event) not in _NOTED:
            return
        match record.event:
            case MessageReceived(content=content):
                self._messages[record.version] = content
            case RecallRecorded(cause=cause) if cause is not None:
                self._messages.pop(cause, None)
            case ActionProposed(action=LoadSkillAction(name=name), tool_call_id=tool_call_id):
                self._skills[record.version] = name, tool_call_id
            case ObservationRecorded(cause=cause) if self._skills and cause is not None:
                self._skills.pop(cause, None)
            case ModelAsked(purpose="condense") as asked:
                self._asked = record.version, asked
            case _:
                pass

    def perform(self, effect: Effect) -> None:
        settings = self._state.life.settings
        if settings is None:
            return
        match effect:
            case Recall(message=message):
                text = self._messages.get(message, "")
                self._recall(effect, message, self._lookup(settings, text, first=effect.first))
            case RecallFolders(action=action, folders=folders):
                sources = self._sources
                self._recall(effect, action, lambda: sources.folders(settings, folders))
            case LoadSkill(action=action):
                self._load(effect, settings, action)
            case PrepareSummary():
                self._prepare(effect, settings)
            case AskSummary(ask=ask):
                self._ask(effect, settings, ask)
            case _:
                pass

    def on_outcome(self, message: object) -> None:
        now_ns = self.port.now_ns()
        match message:
            case _Recalled(cause=cause, fact=fact):
                fact = replace(fact, cause=cause)
                self.tell_session(ReportRecall(id=f"{self._stream}/recall/{cause}", at=now_ns, fact=fact))
            case _Loaded(action=action, tool_call_id=tool_call_id, observation=observation):
                seen = ObservationRecorded(cause=action, observation=observation, tool_call_id=tool_call_id)
                id_ = f"{self._stream}/observation/{action}"
                self.tell_session(ReportObservation(id=id_, at=now_ns, fact=seen))
            case _SummedUp(ask=ask, fact=answer):
                answer, draw = replace(answer, cause=ask), self.port.draw()
                id_ = f"{self._stream}/answer/{ask}"
                self.tell_session(ReportAnswer(id=id_, at=now_ns, fact=answer, draw=draw))
            case _:
                raise TypeError(f"not a message to memory: {message!r}")

    # Recalling ----------------------------------------------------------------------------------------

    def _lookup(self, settings: Settings, text: str, *, first: bool) -> Callable[[], RecallRecorded]:
        sources, now_ns, shown = self._sources, self.port.now_ns(), self._state.recall.sources
        place = self._state.hands.place
        if first:
            return lambda: sources.workspace(settings, text, now_ns, place)
        return lambda: sources.knowledge(settings, text, shown)

    def _recall(self, effect: Effect, cause: int, lookup: Callable[[], RecallRecorded]) -> None:
        self.port.perform(self.key(effect), lambda: _Recalled(cause, lookup()), to=self.name)

    def _load(self, effect: Effect, settings: Settings, action: int) -> None:
        sources, (name, tool_call_id) = self._sources, self._skills[action]

        def work() -> _Loaded:
            return _Loaded(action, tool_call_id, sources.skill(settings, name))

        self.port.perform(self.key(effect), work, to=self.name)

    # Summing up ---------------------------------------------------------------------------------------

    def _prepare(self, effect: PrepareSummary, settings: Settings) -> None:
        fact = self._summaries.prepare(settings, self._state, effect.attempt)
        self.tell_session(
            BeginAsk(
                id=f"{self._stream}/{effect.key}/{self._state.life.epoch}",
                at=self.port.now_ns(),
                fact=fact,
                seen=self._state.version,
            )
        )

    def _ask(self, effect: AskSummary, settings: Settings, ask: int) -> None:
        if self._asked is None or self._asked[0] != ask:
            raise TypeError(f"version {ask} of {self._stream} asked for no summary")
        question = self._summaries.question(settings, self._state, self._asked[1])
        self.port.perform(self.key(effect), lambda: _SummedUp(ask, question()), to=self.name)
