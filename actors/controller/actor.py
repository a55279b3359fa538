"""The Controller actor: has the agent take its steps. It asks the model, or reads the recording."""

from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from refold.actors.agents.loading import read_by
from refold.actors.controller.reenactor import Reenactor
from refold.actors.dispatch.port import Dispatcher
from refold.actors.follower import Follower
from refold.actors.models.port import Model, OnGlimpse
from refold.actors.security.answers import assess_all, assess_answer
from refold.actors.security.port import Analysts
from refold.actors.session.commands import (
    BeginAsk,
    BeginCondensation,
    FireTimer,
    ReportAnswer,
    ReportRecording,
    ReportStep,
)
from refold.actors.session.due import AskModel, Effect, PrepareAsk, ReadRecording, RunStep, SetTimer
from refold.actors.session.messages import controller_name
from refold.actors.session.state import State
from refold.actors.tools.execute_ipython_cell import cell_of
from refold.actors.tools.server_tools import meant, resolved
from refold.actors.tools.toolbox import Proposal, Refusal, read_answer
from refold.eventlog.events import ModelAnswered, ModelAsked, ModelFailed, ObservationRecorded, StepReenacted
from refold.eventlog.log import EventLog
from refold.eventlog.observations import RunOutput
from refold.eventlog.record import Record
from refold.eventlog.risk import Assessment
from refold.eventlog.settings import Price, Settings
from refold.eventlog.starting import StartStepEnded
from refold.projections.condensing import forgetting
from refold.projections.conversation import Conversation
from refold.projections.request import Request, estimate_tokens


class Models(Protocol):
    """Where the controller finds the model that its settings name."""

    def model(self, settings: Settings) -> Model: ...

    def price(self, settings: Settings) -> Price | None:
        """Return what the model costs; None when nobody knows."""
        ...

    def glimpses(self, stream: str) -> OnGlimpse | None:
        """Return who is shown an answer while it arrives."""
        ...


class _Heard(Struct, frozen=True):
    """What came of asking: told to the controller by its worker."""

    ask: int
    fact: ModelAnswered | ModelFailed
    wanted: tuple[Proposal | Refusal, ...] | None = None
    assessments: tuple[Assessment | None, ...] = ()


class _Loaded(Struct, frozen=True):
    """Whether the analyzer of the settings can be had."""

    key: str
    fact: StartStepEnded


class _Read(Struct, frozen=True):
    """A recorded step whose action was assessed."""

    command: ReportRecording
    assessments: tuple[Assessment | None, ...]


class ControllerActor(Follower):
    def __init__(  # noqa: PLR0913, PLR0917 - all that it is to one session
        self,
        port: Dispatcher,
        stream: str,
        log: EventLog,
        met: State,
        models: Models,
        analysts: Analysts,
    ) -> None:
        super().__init__(port, controller_name(stream), stream, log, met)
        self._models, self._analysts = models, analysts
        self._directory = ""
        """Where the agent's shell was when it last said so."""
        self._conversation = Conversation()
        self._unread: list[Record] = []
        """What the conversation takes in before it is asked for: who asks no model reads nothing."""
        self._prepared: Request | None = None
        self._asked: tuple[int, ModelAsked] | None = None
        self._reenactor = Reenactor()

    def on_record(self, record: Record) -> None:
        match record.event:
            case ObservationRecorded(observation=RunOutput(directory=directory)) if directory:
                self._directory = directory
            case ModelAsked() as asked:
                self._asked = record.version, asked
            case _:
                pass
        self._unread.append(record)
        self._reenactor.add(record)

    def perform(self, effect: Effect) -> None:
        match effect:
            case PrepareAsk():
                self._prepare(effect)
            case AskModel():
                self._ask(effect)
            case ReadRecording():
                self._read(effect)
            case RunStep(step="analyzer"):
                self._load_analyzer(effect)
            case SetTimer(timer=timer, when=when):
                fire = FireTimer(id=f"{self._stream}/timer/{timer}", at=when, timer=timer)
                self.port.at(self.key(effect), when, self.name, fire)
            case _:
                pass

    def on_outcome(self, message: object) -> None:
        match message:
            case _Heard(ask=ask, fact=fact, wanted=wanted, assessments=assessments):
                self.tell_session(
                    ReportAnswer(
                        id=f"{self._stream}/answer/{ask}",
                        at=self.port.now_ns(),
                        fact=replace(fact, cause=ask),
                        draw=self.port.draw(),
                        wanted=wanted,
                        assessments=assessments,
                    )
                )
            case _Loaded(key=key, fact=fact):
                id_ = f"{self._stream}/{key}/{self._state.life.epoch}"
                self.tell_session(ReportStep(id=id_, at=self.port.now_ns(), fact=fact))
            case _Read(command=command, assessments=assessments):
                self.tell_session(replace(command, assessment=next(iter(assessments), None)))
            case FireTimer():
                self.tell_session(replace(message, at=self.port.now_ns()))
            case _:
                raise TypeError(f"not a message to a controller: {message!r}")

    def _load_analyzer(self, effect: RunStep) -> None:
        """See whether a user's own analyzer can be had, before anything depends on it."""
        settings, analysts, port = self._settings, self._analysts, self.port

        def work() -> _Loaded:
            began = port.now_ns()
            why = analysts.missing(settings)
            fact = StartStepEnded(
                step="analyzer",
                outcome="done" if why is None else "failed",
                seconds=(port.now_ns() - began) / 1e9,
                detail=why or settings.analyzer_in_force,
            )
            return _Loaded(effect.key, fact)

        self.port.perform(self.key(effect), work, to=self.name)

    # Asking -------------------------------------------------------------------------------------------

    def _prepare(self, effect: PrepareAsk) -> None:
        settings = self._settings
        for record in self._unread:
            self._conversation.add(record)
        self._unread.clear()
        parameters = settings.parameters
        request = self._prepared = self._conversation.request(str(settings.model), parameters=parameters)
        if effect.attempt == 1 and self._forget(effect, request):
            return
        tokens = estimate_tokens(request)
        price = self._models.price(settings)
        line = self._state.agent.script_line(request.model)
        fact = ModelAsked(
            model=request.model,
            step=effect.step,
            attempt=effect.attempt,
            request=request.digest,
            messages=len(request.messages),
            tokens_estimated=tokens,
            cost_estimated_usd=None if price is None else tokens * price.prompt / 1e6,
            script_line=line if request.model.startswith("script:") else None,
            parameters=parameters,
        )
        self.tell_session(
            BeginAsk(
                id=f"{self._stream}/{effect.key}/{self._state.life.epoch}",
                at=self.port.now_ns(),
                fact=fact,
                seen=self._state.version,
            )
        )

    def _forget(self, effect: PrepareAsk, request: Request) -> bool:
        """Have something forgotten instead, if the request is too long."""
        recall = self._state.recall
        fact = forgetting(
            self._settings.condenser,
            self._conversation,
            request,
            step=effect.step,
            overflowed=recall.overflowed,
            condensed_before=recall.condensed_tokens is not None,
        )
        if fact is None:
            return False
        self.tell_session(
            BeginCondensation(
                id=f"{self._stream}/{effect.key}/{self._state.life.epoch}",
                at=self.port.now_ns(),
                fact=fact,
                seen=self._state.version,
            )
        )
        return True

    def _ask(self, effect: AskModel) -> None:
        settings, ask = self._settings, effect.ask
        if self._asked is None or self._asked[0] != ask:
            raise TypeError(f"version {ask} of {self._stream} asked no model")
        request, line = self._request_at(*self._asked), self._asked[1].script_line or 0
        models, stream, chosen = self._models, self._stream, replace(settings, model=self._asked[1].model)
        analysts, directory = self._analysts, self._directory

        tools, servers = self._state.life.tools, self._state.life.servers

        def work() -> _Heard:
            model = models.model(chosen)
            fact = model.ask(request, script_line=line, on_glimpse=models.glimpses(stream))
            wanted = read_by(settings, fact, tools)
            if isinstance(fact, ModelFailed) or settings.analyzer_in_force == "none":
                return _Heard(ask, fact, wanted)
            read = read_answer(fact, tools) if wanted is None else wanted
            read = meant(read, servers)
            return _Heard(ask, fact, wanted, assess_answer(analysts, settings, read, directory))

        self.port.perform(self.key(effect), work, to=self.name)

    def _request_at(self, ask: int, asked: ModelAsked) -> Request:
        """Return the request recorded at `ask`: the one prepared, or built again from the log."""
        request = self._prepared
        if request is None or request.digest != asked.request:
            conversation = Conversation()
            for record in self._log.read(self._stream, until=ask - 1, check=False):
                conversation.add(record)
            request = conversation.request(asked.model, parameters=asked.parameters)
        if request.digest != asked.request:
            raise ValueError(f"the request at version {ask} of {self._stream} cannot be built again")
        return request

    @property
    def _settings(self) -> Settings:
        settings = self._state.life.settings
        if settings is None:
            raise TypeError(f"{self._stream} was never started")
        return settings

    # Re-enacting --------------------------------------------------------------------------------------

    def _read(self, effect: ReadRecording) -> None:
        """Tell Session the next recorded step, or that there is none, or that the last one differed."""
        recording = self._state.agent.reenactment
        strict = recording is not None and recording.strict
        step = self._reenactor.after(self._log, effect.source, effect.cursor)
        settings = self._settings
        place = self._state.hands.place or settings.place
        diverged = strict and self._reenactor.diverged(self._log, effect.source, place)
        end = step is None or diverged
        command = ReportRecording(
            id=f"{self._stream}/{effect.key}",
            at=self.port.now_ns(),
            fact=StepReenacted(
                source=effect.cursor + 1 if step is None else step.version, end=end, diverged=diverged
            ),
            message=None if step is None or end else step.message,
            action=None if step is None or end or step.action is None else cell_of(step.action, settings),
            tool_call_id=None if step is None or end else step.tool_call_id,
        )
        if command.action is None or settings.analyzer_in_force == "none":
            self.tell_session(command)
            return
        analysts, directory = self._analysts, self._directory
        action = resolved(command.action, self._state.life.servers) or command.action
        self.port.perform(
            self.key(effect),
            lambda: _Read(command, assess_all(analysts, settings, [action], directory)),
            to=self.name,
        )
