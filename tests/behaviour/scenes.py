"""A session played by hand: each line of a scene is a command, and every law is checked after each."""

from collections.abc import Mapping
from typing import Any, Self

from refold.actors.controller.confirmation import approval_digest, unconfirmed
from refold.actors.controller.transitions import RESTING, allowed
from refold.actors.models.fake import says
from refold.actors.runtime.state import OpenAction
from refold.actors.session.commands import (
    BeginAsk,
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
    ReportObservation,
    ReportRecall,
    ReportRecording,
    ResumeAgent,
    SendMessage,
    StartSession,
    StopAgent,
)
from refold.actors.session.due import AskModel, Connect, Execute, PrepareAsk, Recall, SetTimer, due
from refold.actors.session.refused import Refused
from refold.actors.session.state import State
from refold.eventlog.actions import Action, Message
from refold.eventlog.events import (
    ActionProposed,
    AgentState,
    AgentStateChanged,
    Event,
    FaultClass,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClaimed,
    SessionStarted,
    SettingsChanged,
    StepReenacted,
)
from refold.eventlog.observations import Observation, RunOutput
from refold.eventlog.risk import Assessment, Risk
from refold.eventlog.settings import Settings
from refold.testing.spec import Given

AT = 1_767_225_600 * 10**9
type Call = tuple[str, Mapping[str, object]]

RUN: Call = ("execute_bash", {"command": "ls"})
EDIT: Call = ("str_replace_editor", {"command": "create", "path": "a", "file_text": "x"})
THINK: Call = ("think", {"thought": "hm"})
FINISH: Call = ("finish", {"message": "done"})
REJECT: Call = ("reject", {"message": "not mine to do"})
NO_TOOL: Call = ("fly", {})


def settings(**changes: Any) -> Settings:  # noqa: ANN401 - any of its fields
    fields: dict[str, Any] = {"model": "script:s", "workspace": "/w", "sandbox": "local", **changes}
    return Settings(**fields)


def claim(epoch: int) -> SessionClaimed:
    return SessionClaimed(
        epoch=epoch, host="here", pid=epoch, process_started=0, code="now", configuration=""
    )


class Scene:
    """Says what happens to one session; `played` returns the facts of the last line."""

    def __init__(self) -> None:
        self.session = Given()
        self.last: tuple[Event, ...] = ()
        self._commands = 0

    @property
    def state(self) -> State:
        return self.session.state

    @property
    def agent(self) -> AgentState:
        return self.state.agent.state

    @property
    def line(self) -> int:
        """The line of the script in force that is next."""
        settings = self.state.life.settings
        return self.state.agent.script_line(None if settings is None else settings.model)

    @property
    def open(self) -> tuple[OpenAction, ...]:
        return self.state.hands.open

    def types(self) -> list[str]:
        return [type(event).__name__ for event in self.session.events]

    def of[E](self, kind: type[E]) -> list[E]:
        return [event for event in self.session.events if isinstance(event, kind)]

    def reason(self) -> str:
        return self.of(AgentStateChanged)[-1].reason

    def answers(self, version: int) -> list[Observation]:
        return [each.observation for each in self.of(ObservationRecorded) if each.cause == version]

    def do(self, command: Command) -> Self:
        """Have it decided, add what it leads to, and check every law."""
        before = self.session
        decided = before.when(command)
        self.session = decided.then(*decided.events)
        self.last = self.session.events[len(before.events) :]
        self._check_moves(before.state)
        self._check_laws(command)
        return self

    def refuses(self, command: Command, part: str = "") -> Self:
        self.session.when(command).then_refused(part)
        return self

    # Commands -----------------------------------------------------------------------------------------

    def id(self) -> dict[str, Any]:
        self._commands += 1
        return {"id": f"c{self._commands}", "at": AT + self._commands}

    def start(
        self,
        task: str | None = "do it",
        *,
        reenacts: str | None = None,
        strict: bool = False,
        **changes: Any,  # noqa: ANN401 - any setting
    ) -> Self:
        fact = SessionStarted(settings=settings(**changes), task=task, reenacts=reenacts, strict=strict)
        return self.do(StartSession(**self.id(), fact=fact, claim=claim(1)))

    def claim(self) -> Self:
        return self.do(ClaimSession(**self.id(), fact=claim(self.state.life.epoch + 1)))

    def connect(self, incarnation: str = "r1") -> Self:
        fact = RuntimeConnected(incarnation=incarnation, sandbox="local", epoch=self.state.life.epoch)
        return self.do(ReportConnection(**self.id(), fact=fact))

    def unconnected(self, reason: str = "no sandbox") -> Self:
        return self.do(ReportConnection(**self.id(), fact=RuntimeFailed(reason=reason)))

    def lose(self) -> Self:
        fact = RuntimeLost(incarnation=str(self.state.hands.incarnation), reason="killed")
        return self.do(ReportConnection(**self.id(), fact=fact))

    def recall(self) -> Self:
        for message in self.state.recall.waiting:
            first = message == self.state.recall.first
            fact = RecallRecorded(cause=message, recall="workspace_context" if first else "knowledge")
            self.do(ReportRecall(**self.id(), fact=fact))
        return self

    def say(self, text: str = "and this") -> Self:
        return self.do(SendMessage(**self.id(), by="user", fact=MessageReceived(content=text)))

    def pause(self) -> Self:
        return self.do(PauseAgent(**self.id()))

    def resume(self) -> Self:
        return self.do(ResumeAgent(**self.id()))

    def stop(self) -> Self:
        return self.do(StopAgent(**self.id()))

    def close(self) -> Self:
        return self.do(CloseSession(**self.id(), reason="bye"))

    def change(self, **changes: Any) -> Self:  # noqa: ANN401
        return self.do(ChangeSettings(**self.id(), fact=SettingsChanged(**changes)))

    def go_on(self, iterations: int | None = None, budget_usd: float | None = None) -> Self:
        return self.do(ContinueAgent(**self.id(), iterations=iterations, budget_usd=budget_usd))

    def confirm(self) -> Self:
        return self.do(ConfirmActions(**self.id(), digest=approval_digest(unconfirmed(self.state))))

    def reject(self, reason: str = "", *, try_again: bool = False) -> Self:
        return self.do(RejectActions(**self.id(), reason=reason, try_again=try_again))

    def ask(self, cost: float | None = 0.0) -> Self:
        """Record the ask that is due."""
        (prepare,) = [effect for effect in due(self.state) if isinstance(effect, PrepareAsk)]
        fact = ModelAsked(
            model=str(self.state.life.settings and self.state.life.settings.model),
            attempt=prepare.attempt,
            step=prepare.step,
            request="digest",
            messages=1,
            cost_estimated_usd=cost,
            script_line=self.line,
        )
        return self.do(BeginAsk(**self.id(), fact=fact, seen=self.state.version))

    def hear(
        self,
        text: str = "",
        *calls: Call,
        cost: float | None = 0.0,
        ask: int | None = None,
        risks: tuple[Risk | None, ...] = (),
    ) -> Self:
        """Report the answer to the open ask, or to an older one, with what an analyzer makes of its calls."""
        said = says(text, *calls)
        fact = ModelAnswered(
            cause=self._asked() if ask is None else ask,
            model=said.model,
            content=said.content,
            tool_calls=said.tool_calls,
            cost_usd=cost,
        )
        assessments = tuple(
            None if risk is None else Assessment(risk=risk, reason="so it looks", analyzer="test")
            for risk in risks
        )
        return self.do(ReportAnswer(**self.id(), fact=fact, draw=0.5, assessments=assessments))

    def fail(
        self, fault: FaultClass = "rate_limit", *, retry_after_s: float | None = None, ask: int | None = None
    ) -> Self:
        fact = ModelFailed(
            cause=self._asked() if ask is None else ask,
            fault=fault,
            message="sorry",
            retry_after_s=retry_after_s,
        )
        return self.do(ReportAnswer(**self.id(), fact=fact, draw=0.5))

    def step(
        self, text: str = "", *calls: Call, cost: float | None = 0.0, risks: tuple[Risk | None, ...] = ()
    ) -> Self:
        return self.ask(cost).hear(text, *calls, cost=cost, risks=risks)

    def observe(self, action: int | None = None, content: str = "out") -> Self:
        """Report what came of an action, by default of the one that was started."""
        if action is None:
            started = self.state.hands.started
            assert started is not None
            action = started.version
        fact = ObservationRecorded(cause=action, observation=RunOutput(content=content, exit_code=0))
        return self.do(ReportObservation(**self.id(), fact=fact))

    def fire(self) -> Self:
        return self.do(FireTimer(**self.id(), timer=self.state.agent.state_version))

    def reenact(self, source: int, *, message: str | None = None, action: Action | None = None) -> Self:
        fact = StepReenacted(source=source)
        return self.do(ReportRecording(**self.id(), fact=fact, message=message, action=action))

    def end_recording(self, source: int, *, diverged: bool = False) -> Self:
        fact = StepReenacted(source=source, end=True, diverged=diverged)
        return self.do(ReportRecording(**self.id(), fact=fact))

    # Places to begin ----------------------------------------------------------------------------------

    def running(self, **changes: Any) -> Self:  # noqa: ANN401
        """Begin where the first ask is due."""
        return self.start(**changes).connect().recall()

    def acting(self, *calls: Call, **changes: Any) -> Self:  # noqa: ANN401
        """Begin where the agent acts: its first action was started."""
        return self.running(**changes).step("", *(calls or (RUN,)))

    def owes(self, *kinds: type) -> bool:
        """Whether exactly effects of these kinds are due."""
        return sorted(type(each).__name__ for each in due(self.state)) == sorted(k.__name__ for k in kinds)

    # Laws ---------------------------------------------------------------------------------------------

    def _asked(self) -> int:
        ask = self.state.agent.ask
        assert ask is not None, "no ask is open"
        return ask.version

    def _check_moves(self, before: State) -> None:
        state = before.agent.state
        for event in self.last:
            if isinstance(event, AgentStateChanged):
                assert allowed(state, event.state), f"{state} -> {event.state}"
                state = event.state

    def _check_laws(self, command: Command) -> None:
        self._check_answers()
        self._check_rest()
        self._check_again(command)

    def _check_answers(self) -> None:
        """Check that every action has one observation or is open, and no observation lacks its action."""
        actions = {
            version
            for version, event in enumerate(self.session.events)
            if isinstance(event, ActionProposed) and not isinstance(event.action, Message)
        }
        answered = [event.cause for event in self.of(ObservationRecorded)]
        assert len(answered) == len(set(answered)), "an action has two observations"
        assert set(answered) <= actions, "an observation without an action"
        assert {opened.version for opened in self.open} == actions - set(answered)

    def _check_rest(self) -> None:
        """Check that nothing is due while the session rests, and something while it does not."""
        life, agent, hands = self.state.life, self.state.agent, self.state.hands
        waits_for_world = agent.ask is not None or hands.started is not None or self.state.start.releasing
        rests = life.closed or (agent.state in RESTING and not waits_for_world)
        assert rests == (due(self.state) == ()), f"{agent.state}: {due(self.state)}"

    def _check_again(self, command: Command) -> None:
        """Check that the same command again makes nothing new true; a second outcome is late at most.

        What a person may well mean twice (a message, an extension) is told apart by its id alone.
        """
        if isinstance(command, SendMessage | ContinueAgent):
            return
        try:
            again = self.session.when(command).events
        except Refused:
            return
        assert all(type(event).__name__.startswith("Late") for event in again), again


__all__ = [
    "AT",
    "EDIT",
    "FINISH",
    "NO_TOOL",
    "REJECT",
    "RUN",
    "THINK",
    "AskModel",
    "Call",
    "Connect",
    "Execute",
    "PrepareAsk",
    "Recall",
    "Scene",
    "SetTimer",
    "claim",
    "settings",
]


def rate_limited() -> Scene:
    """Return a session whose model is to be asked again in a while."""
    return Scene().running().ask().fail()
