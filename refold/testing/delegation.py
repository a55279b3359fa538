"""Laws of a parent and its delegates (B42, B43): each is about two streams, and asked after every commit."""

from collections.abc import Collection, Mapping

from refold.actors.delegation.state import delegate_stream
from refold.actors.dispatch.stepper import Stepper
from refold.actors.session.commands import Command, PauseAgent, StopAgent
from refold.actors.session.messages import Committed, Submit, delegation_name, session_name
from refold.eventlog.events import (
    ActionStarted,
    AgentState,
    Event,
    LateAnswerRecorded,
    LateResultRecorded,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClosed,
    SessionStarted,
)
from refold.eventlog.observations import DelegateResult, Failure
from refold.eventlog.record import Record
from refold.testing.minutes import Broken
from refold.testing.watched import Watched

ENDS: frozenset[AgentState] = frozenset({"finished", "rejected", "error", "stopped", "awaiting_user_input"})
"""How a delegate can end."""

LATE = (
    LateAnswerRecorded,
    LateResultRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClosed,
)
"""What the world may still tell of a delegate whose end is being recorded: it leads to nothing."""

ROUNDING_USD = 1e-9
_LOOKED_AT = frozenset[type[Event]]({ActionStarted, SessionStarted, ObservationRecorded, LateResultRecorded})


class FamilyLaws:
    """Follows all streams of a run; `watched` holds them by name."""

    def __init__(self, watched: Mapping[str, Watched], stepper: Stepper) -> None:
        self._watched, self._stepper = watched, stepper
        self._unawaited: dict[str, int] = {}
        """Delegates whose action was answered otherwise, with the version of that answer."""
        self._over: set[str] = set()
        """Delegates whose result is on record."""
        self._left: dict[str, tuple[int, float | None]] = {}
        """What the parent of each delegate had left when it was started."""

    def before(self, record: Record) -> None:
        """Hold what is about a record that is next in its stream; raises `Broken`."""
        if record.stream in self._over and not isinstance(record.event, LATE):
            raise Broken("the_end_of_a_delegate_is_final", f"{record.stream} goes on: {record.type}")
        if type(record.event) not in _LOOKED_AT:
            return
        match record.event:
            case ActionStarted(cause=int(cause), incarnation="delegate"):
                self._begun(record.stream, cause)
            case SessionStarted(parent=str()) as started:
                self._granted(record.stream, started)
            case (
                ObservationRecorded(cause=int(cause), observation=DelegateResult() as result)
                | LateResultRecorded(cause=int(cause), observation=DelegateResult() as result)
            ):
                self._returned(record.stream, cause, result)
            case ObservationRecorded(cause=int(cause), observation=observation):
                minutes = self._watched[record.stream].minutes
                if cause in minutes.delegates:
                    self._unawaited[delegate_stream(record.stream, cause)] = record.version
                elif minutes.open.get(cause) == "Delegate" and isinstance(observation, Failure):
                    self._declined(record.stream, observation.content)
            case _:
                pass

    def between(self, fresh: Collection[Record]) -> None:
        """Hold what must be so after a whole commit: no process could tell its streams apart."""
        for stream in {record.stream for record in fresh}:
            minutes = self._watched[stream].minutes
            for action, epoch in minutes.delegates.items():
                delegate = self._watched.get(delegate_stream(stream, action))
                if delegate is None:
                    raise Broken(
                        "a_delegate_starts_with_its_action", f"that of {stream} {action} is not there"
                    )
                if delegate.minutes.epoch != 1 + minutes.epoch - epoch:
                    found = (
                        f"{delegate.stream} is at epoch {delegate.minutes.epoch}, {stream} at {minutes.epoch}"
                    )
                    raise Broken("a_family_is_claimed_at_once", found)

    def at_rest(self, living: Collection[str]) -> None:
        """Hold what must be so where nothing moves; `living` are the actors that are there."""
        for stream, watched in self._watched.items():
            state = watched.minutes.state
            for action in watched.minutes.delegates:
                delegate = self._watched[delegate_stream(stream, action)].minutes.state
                if state.agent.state in {"stopped", "finished", "error", "rejected"}:
                    raise Broken(
                        "no_delegate_outlives_its_parent", f"{delegate_stream(stream, action)} is open"
                    )
                if state.agent.state == "paused" and delegate.agent.state not in {"paused", *ENDS}:
                    found = f"{delegate_stream(stream, action)} is {delegate.agent.state}"
                    raise Broken("a_pause_holds_for_delegates", found)
                if state.agent.state == "running" and delegate.agent.state == "paused":
                    raise Broken("nobody_waits_for_nobody", f"{delegate_stream(stream, action)} is paused")
        for name in living:
            if name.rpartition("/")[0] in self._over:
                raise Broken("who_has_ended_is_let_go", name)

    def _begun(self, stream: str, action: int) -> None:
        minutes = self._watched[stream].minutes
        budget = None
        if minutes.cost_max_usd is not None:
            budget = minutes.cost_max_usd - minutes.cost_usd
        self._left[delegate_stream(stream, action)] = minutes.steps_max - minutes.steps, budget

    def _declined(self, stream: str, content: str) -> None:
        """Hold B42: where something is left, a delegate may have of it."""
        minutes = self._watched[stream].minutes
        settings, money = minutes.state.life.settings, minutes.cost_max_usd
        left = {
            "no iterations are left": minutes.steps < minutes.steps_max,
            "no budget is left": not minutes.unpriced and (money is None or minutes.cost_usd < money),
            "may not delegate further": settings is not None and settings.delegation_depth > 0,
        }
        for reason, wrong in left.items():
            if wrong and reason in content:
                raise Broken("what_is_left_can_be_delegated", f"{stream}: {content}")

    def _granted(self, stream: str, started: SessionStarted) -> None:
        """Hold B42: what a delegate may use up is something, and no more than is left."""
        if stream not in self._left or stream != delegate_stream(started.parent or "", started.action or 0):
            raise Broken("a_delegate_starts_with_its_action", f"{stream} was started by nobody")
        parent = self._watched[started.parent or ""].minutes.state.life.settings
        if parent is None or started.settings.delegation_depth != parent.delegation_depth - 1:
            found = f"{stream} is at depth {started.settings.delegation_depth}"
            raise Broken("a_delegate_is_one_step_deeper", found)
        left, budget = self._left[stream]
        limit, money = started.settings.iterations_max, started.settings.budget_usd
        if not 1 <= limit <= left:
            raise Broken("a_slice_is_no_more_than_is_left", f"{stream} may take {limit} steps of {left}")
        if budget is not None and (money is None or not 0 < money <= budget + ROUNDING_USD):
            raise Broken("a_slice_is_no_more_than_is_left", f"{stream} may spend {money} of {budget} USD")

    def _returned(self, stream: str, action: int, result: DelegateResult) -> None:
        """Hold B42: it is the result of one that has ended, given once, and its figures are exact."""
        name = delegate_stream(stream, action)
        if action not in self._watched[stream].minutes.delegates:
            raise Broken("a_delegate_has_one_result", f"{name} returns again, or was never started")
        delegate = self._watched[name].minutes
        spent, status = delegate.cost_usd, delegate.state.agent.state
        if status not in ENDS or delegate.open or delegate.delegates or delegate.ask is not None:
            raise Broken("a_result_comes_at_the_end", f"{name} is {status}, open: {sorted(delegate.open)}")
        if (result.session, result.status, result.iterations) != (name, status, delegate.steps):
            found = f"{name}: {delegate.steps} steps, {status}; said: {result.iterations}, {result.status}"
            raise Broken("what_a_delegate_spent_is_counted_exactly", found)
        if result.cost_usd is not None and abs(result.cost_usd - spent) > ROUNDING_USD:
            raise Broken(
                "what_a_delegate_spent_is_counted_exactly", f"{name}: {spent}, said {result.cost_usd}"
            )
        if not self._stepper.story.struck:
            self._check_told(stream, name)
        self._over.add(name)

    def _check_told(self, stream: str, delegate: str) -> None:
        """Hold B42, where nothing has gone wrong: who pauses or does without it has told the delegate so."""
        state = self._watched[stream].minutes.state
        told, teller = session_name(delegate), delegation_name(stream)
        wanted: type[Command]
        if (since := self._unawaited.get(delegate)) is not None:
            wanted = StopAgent
        elif state.agent.state == "paused":
            since, wanted = state.agent.state_version, PauseAgent
        else:
            return
        heard, said = -1, list[object]()
        for _, source, target, message in self._stepper.story.entries:
            if target == teller and isinstance(message, Committed):
                heard = message.records[-1].version
            elif (source, target) == (teller, told):
                said.append(message)
        last = (said + self._stepper.letters(teller, told))[-1:]
        if heard >= since and not any(
            isinstance(one, Submit) and isinstance(one.command, wanted) for one in last
        ):
            raise Broken(
                "a_delegate_is_told_what_its_parent_does", f"{delegate} returns, and never heard of it"
            )
