"""The Delegation actor: has a session's delegates run while it runs, and records what came of them."""

from typing import Protocol

from msgspec import Struct

from refold.actors.delegation.family import claim_id, start_id
from refold.actors.delegation.state import DELEGATE, OpenDelegate, delegate_stream
from refold.actors.dispatch.port import Dispatcher
from refold.actors.follower import Follower
from refold.actors.session.commands import (
    CloseSession,
    Command,
    PauseAgent,
    ReportDelegate,
    ResumeAgent,
    StopAgent,
)
from refold.actors.session.due import AwaitDelegate, Effect
from refold.actors.session.messages import Reply, Submit, delegation_name, reporter_name
from refold.actors.session.state import State
from refold.eventlog.actions import Delegate
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    LateResultRecorded,
    ObservationRecorded,
    SessionClaimed,
    SessionForked,
)
from refold.eventlog.log import EventLog
from refold.eventlog.observations import DelegateResult
from refold.eventlog.record import Record


class Family(Protocol):
    """Who has the actors of delegates. None of it does anything once the parent is let go of."""

    def adopt(self, stream: str, claim: str) -> None:
        """Drive a session whose claim, the command `claim`, was committed with its parent's."""
        ...

    def tell(self, stream: str, submit: Submit) -> None:
        """Hand a command to a session that was adopted."""
        ...

    def let_go(self, stream: str) -> None:
        """Forget a session's actors; the log keeps everything."""
        ...


class Returned(Struct, frozen=True):
    """Told by a delegate's reporter: it is there (again), and knows nothing of what was told before."""

    action: int


class Rests(Struct, frozen=True):
    """Told by a delegate's reporter: this came of it, and nothing of it runs any more."""

    action: int
    result: DelegateResult


class SayAgain(Struct, frozen=True):
    """Told to a delegate's reporter: if it has ended, say what came of it."""


class DelegationActor(Follower):
    """Follows the parent, and tells its delegates to stop, pause, go on or close as it does itself."""

    def __init__(self, port: Dispatcher, stream: str, log: EventLog, met: State, family: Family) -> None:
        super().__init__(port, delegation_name(stream), stream, log, met)
        self._family = family
        self._calls: dict[int, tuple[str, str | None]] = {}
        """Delegations without a result: the agent's name and the tool call."""
        self._claims: dict[int, str] = {}
        """The command under which each started delegate is driven."""
        self._ended: list[int] = []
        """Whom to let go; all that ever ended, for who is rebuilt: it may have died of letting one go."""
        self._told: dict[int, str] = {}
        """The command that each was told last."""

    def on_record(self, record: Record) -> None:
        match record.event:
            case ActionProposed(action=Delegate(agent=agent), tool_call_id=tool_call_id):
                self._calls[record.version] = agent, tool_call_id
            case ActionStarted(cause=int(cause), incarnation=incarnation) if incarnation == DELEGATE:
                self._claims[cause] = start_id(self._stream, cause)
            case SessionClaimed():
                for version in self._claims:
                    self._claims[version] = claim_id(record.command, delegate_stream(self._stream, version))
            case (
                ObservationRecorded(cause=int(cause), observation=DelegateResult())
                | LateResultRecorded(cause=int(cause), observation=DelegateResult())
            ):
                self._calls.pop(cause, None)
                self._claims.pop(cause, None)
                self._told.pop(cause, None)
                self._ended.append(cause)
            case SessionForked():
                self._calls.clear()
                self._claims.clear()
                self._ended.clear()
            case _:
                pass

    def on_start(self) -> None:
        super().on_start()
        self._steer()

    def on_receive(self, message: object) -> None:
        super().on_receive(message)
        self._steer()

    def perform(self, effect: Effect) -> None:
        match effect:
            case AwaitDelegate(action=action):
                self._adopt(action)
                self.port.tell(reporter_name(delegate_stream(self._stream, action)), SayAgain())
            case _:
                pass

    def on_outcome(self, message: object) -> None:
        match message:
            case Returned(action=action):
                self._told.pop(action, None)
            case Rests(action=action, result=result) if action in self._claims:
                _, tool_call_id = self._calls[action]
                fact = ObservationRecorded(cause=action, observation=result, tool_call_id=tool_call_id)
                id_ = f"{self._stream}/delegated/{action}"
                self.tell_session(ReportDelegate(id=id_, at=self.port.now_ns(), fact=fact))
            case Rests() | Reply():
                pass
            case _:
                raise TypeError(f"not a message to a delegation: {message!r}")

    def _adopt(self, action: int) -> None:
        self._family.adopt(delegate_stream(self._stream, action), self._claims[action])

    def _steer(self) -> None:
        """Let each delegate do as its parent does; nothing is told twice."""
        ended, self._ended = self._ended, []
        for version in ended:
            self._family.let_go(delegate_stream(self._stream, version))
        for one in self._state.delegates:
            command = self._command(one)
            if self._told.get(one.version) != command.id:
                self._told[one.version] = command.id
                self._adopt(one.version)
                submit = Submit(command=command, reply_to=self.name)
                self._family.tell(delegate_stream(self._stream, one.version), submit)

    def _command(self, one: OpenDelegate) -> Command:
        state, at, delegate = self._state, self.port.now_ns(), delegate_stream(self._stream, one.version)
        if state.life.closed:
            return CloseSession(
                id=f"{delegate}/close/{state.life.epoch}", at=at, reason="its parent was closed"
            )
        if one.answered:
            return StopAgent(id=f"{delegate}/stop", at=at)
        if state.agent.state == "paused":
            return PauseAgent(id=f"{delegate}/pause/{state.agent.state_version}", at=at)
        return ResumeAgent(id=f"{delegate}/resume/{state.agent.state_version}", at=at)
