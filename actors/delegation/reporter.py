"""The Reporter actor of a delegate: tells its parent what came of it, once nothing of it runs any more."""

from msgspec import Struct

from refold.actors.delegation.actor import Rests, Returned, SayAgain
from refold.actors.delegation.decide import AT_END
from refold.actors.dispatch.port import Dispatcher
from refold.actors.follower import Follower
from refold.actors.runtime.port import HandsPort
from refold.actors.session.due import Effect, due
from refold.actors.session.messages import PerformAgain, delegation_name, reporter_name
from refold.actors.session.state import State
from refold.eventlog.actions import Finish, Message
from refold.eventlog.events import ActionProposed, AgentStateChanged, SessionFaulted
from refold.eventlog.log import EventLog
from refold.eventlog.observations import DelegateResult
from refold.eventlog.record import Record


class _Released(Struct, frozen=True):
    """The runner is gone."""


class ReporterActor(Follower):
    """Follows a delegate's own stream. The end of a delegate is final, so it can be told again and again."""

    def __init__(self, port: Dispatcher, stream: str, log: EventLog, met: State, hands: HandsPort) -> None:
        super().__init__(port, reporter_name(stream), stream, log, met)
        self._hands = hands
        self._said = self._reason = ""
        self._released = False

    def on_record(self, record: Record) -> None:
        match record.event:
            case ActionProposed(action=Finish(message=text) | Message(content=text)):
                self._said = text
            case AgentStateChanged(reason=reason):
                self._reason = reason
            case SessionFaulted(error=error, message=message):
                self._reason = f"{error}: {message}"
            case _:
                pass

    def on_start(self) -> None:
        super().on_start()
        self._return()

    def on_receive(self, message: object) -> None:
        super().on_receive(message)
        if isinstance(message, PerformAgain):
            self._return()
        else:
            self._report()

    def perform(self, effect: Effect) -> None:
        pass

    def on_outcome(self, message: object) -> None:
        match message:
            case SayAgain():
                pass
            case _Released():
                self._released = True
            case _:
                raise TypeError(f"not a message to a reporter: {message!r}")

    def _return(self) -> None:
        if (parent := self._parent) is not None:
            self.port.tell(delegation_name(parent[0]), Returned(parent[1]))
        self._report()

    @property
    def _parent(self) -> tuple[str, int] | None:
        life = self._state.life
        return None if life.parent is None or life.action is None else (life.parent, life.action)

    def _report(self) -> None:
        """Have the runner ended, then tell the parent: whoever has a result has nothing left over."""
        state, parent = self._state, self._parent
        if parent is None or not ended(state):
            return
        if not self._released:
            hands = self._hands

            def work() -> _Released:
                hands.end()
                return _Released()

            self.port.perform(f"{self._stream}/release", work, to=self.name)
            return
        stream, action = parent
        self.port.tell(delegation_name(stream), Rests(action, self._result(state)))

    def _result(self, state: State) -> DelegateResult:
        settings = state.life.settings
        agent = "agent" if settings is None else settings.agent
        return DelegateResult(
            content=_told(agent, state.agent.state, self._said, self._reason),
            agent=agent,
            session=self._stream,
            status=state.agent.state,
            iterations=state.agent.iterations,
            cost_usd=state.agent.cost_usd,
        )


def ended(state: State) -> bool:
    """Whether a delegate has come to its end, and nothing of it is under way."""
    return state.agent.state in AT_END and not state.delegates and not state.life.closed and not due(state)


def _told(agent: str, status: str, said: str, reason: str) -> str:
    match status:
        case "finished":
            return f"The delegate ({agent}) has finished: {said}"
        case "awaiting_user_input":
            return f"The delegate ({agent}) has ended with these words: {said or reason or '(none)'}"
        case "rejected":
            return f"The delegate ({agent}) has rejected the task: {said or reason}"
        case "stopped":
            return f"The delegate ({agent}) was stopped. What it had done stays done."
        case _:
            return f"The delegate ({agent}) has ended in an error: {reason}. What it had done stays done."
