"""The Runtime actor: touches the world. It connects to the runner and has started actions carried out."""

from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from refold.actors.dispatch.port import Dispatcher
from refold.actors.follower import Follower
from refold.actors.runtime.port import HandsLost, HandsPort, Listing, OnGlimpse
from refold.actors.runtime.starting import OURS, take_step
from refold.actors.session.commands import (
    ReportConnection,
    ReportObservation,
    ReportRelease,
    ReportStep,
    ReportTools,
)
from refold.actors.session.due import Connect, Effect, Execute, ListTools, Release, RunStep
from refold.actors.session.messages import runtime_name
from refold.actors.session.state import State
from refold.eventlog.actions import Action, Delegate
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    Event,
    LateResultRecorded,
    ObservationRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionForked,
)
from refold.eventlog.log import EventLog
from refold.eventlog.observations import Cancelled, DelegateResult, Observation, OutcomeUnknown
from refold.eventlog.record import Record
from refold.eventlog.starting import RuntimeReleased, StartStepEnded


class _Connected(Struct, frozen=True):
    key: str
    epoch: int
    fact: RuntimeConnected | RuntimeFailed


class _Stepped(Struct, frozen=True):
    """What came of a step of the start: None when the runner was lost, and `lost` says how."""

    key: str
    incarnation: str
    fact: StartStepEnded | None
    lost: str = ""


class _Released(Struct, frozen=True):
    key: str


class _Executed(Struct, frozen=True):
    """`observation` is None when the runner was lost: then `lost` says how."""

    action: int
    incarnation: str
    observation: Observation | None
    lost: str = ""


class _Listed(Struct, frozen=True):
    key: str
    listing: Listing


class _Wanted(Struct, frozen=True):
    """An open action as it stands in the log, with its record's digest and, once started, its key."""

    action: Action
    digest: str
    tool_call_id: str | None
    started: bool = False


_NOTED = frozenset[type[Event]](
    {ActionProposed, ActionStarted, ObservationRecorded, LateResultRecorded, SessionForked}
)


class RuntimeActor(Follower):
    def __init__(  # noqa: PLR0913, PLR0917 - all that it is to one session
        self,
        port: Dispatcher,
        stream: str,
        log: EventLog,
        met: State,
        hands: HandsPort,
        on_glimpse: OnGlimpse | None = None,
    ) -> None:
        super().__init__(port, runtime_name(stream), stream, log, met)
        self._hands = hands
        self._on_glimpse = on_glimpse
        self._wanted: dict[int, _Wanted] = {}
        self._closed: list[int] = []
        self._under_way: set[int] = set()
        self._strays: set[int] = set()
        """Actions started last that were answered in the runner's stead: they may run on there."""

    def on_record(self, record: Record) -> None:
        if type(record.event) not in _NOTED:
            return
        match record.event:
            case ActionProposed(action=action, tool_call_id=tool_call_id):
                if not isinstance(action, Delegate):  # Which is not for the runner.
                    self._wanted[record.version] = _Wanted(action, record.digest.hex(), tool_call_id)
            case ActionStarted(cause=int(cause)) if cause in self._wanted:
                wanted = self._wanted[cause]
                self._wanted[cause] = _Wanted(wanted.action, wanted.digest, wanted.tool_call_id, started=True)
            case ObservationRecorded(cause=int(cause), observation=observation) if cause in self._wanted:
                if self._wanted.pop(cause).started:
                    self._closed.append(cause)
                    if isinstance(observation, Cancelled | OutcomeUnknown):
                        self._strays.add(cause)
                    else:  # What was started before it has had its turn.
                        self._strays = {stray for stray in self._strays if stray > cause}
            case LateResultRecorded(observation=DelegateResult()):
                pass
            case LateResultRecorded(cause=cause) if cause is not None:
                self._closed.append(cause)
            case SessionForked():
                self._closed.clear()
                self._strays.clear()
            case _:
                pass

    def on_start(self) -> None:
        super().on_start()
        self._closed.clear()
        self._stop_strays()  # Whoever answered them may have died before the runner was told.
        self._let_go()

    def on_receive(self, message: object) -> None:
        super().on_receive(message)
        self._let_go()

    def perform(self, effect: Effect) -> None:
        match effect:
            case Connect():
                self._connect(effect)
            case ListTools():
                self._list(effect)
            case Execute():
                self._execute(effect)
            case RunStep():
                self._step(effect)
            case Release():
                self._release(effect)
            case _:
                pass

    def on_outcome(self, message: object) -> None:
        match message:
            case _Connected(key=key, fact=fact):
                self._stop_strays()  # What was said before it was connected did not reach it.
                if message.epoch == self._state.life.epoch:  # Else it was an older driver that wanted it.
                    self.tell_session(
                        ReportConnection(id=f"{self._stream}/{key}", at=self.port.now_ns(), fact=fact)
                    )
            case _Listed(key=key, listing=listing):
                self.tell_session(
                    ReportTools(
                        id=f"{self._stream}/{key}",
                        at=self.port.now_ns(),
                        fact=listing.fact,
                        warnings=listing.warnings,
                    )
                )
            case _Executed():
                self._executed(message)
            case _Stepped(fact=None):
                self._lost(message.incarnation, message.lost)
            case _Stepped(key=key, fact=StartStepEnded() as fact):
                self.tell_session(ReportStep(id=self._id(key), at=self.port.now_ns(), fact=fact))
            case _Released(key=key):
                released = RuntimeReleased()
                self.tell_session(ReportRelease(id=self._id(key), at=self.port.now_ns(), fact=released))
            case _:
                raise TypeError(f"not a message to a runtime: {message!r}")

    def _connect(self, effect: Connect) -> None:
        settings, hands, incarnation = self._state.life.settings, self._hands, self.port.new_id()
        if settings is None:
            return
        epoch, key = effect.epoch, effect.key
        port = self.port

        def work() -> _Connected:
            began = port.now_ns()
            fact = hands.connect(settings, epoch=epoch, incarnation=incarnation)
            if isinstance(fact, RuntimeConnected):
                fact = replace(fact, seconds=(port.now_ns() - began) / 1e9)
            return _Connected(key, epoch, fact)

        self.port.perform(self.key(effect), work, to=self.name)

    def _list(self, effect: ListTools) -> None:
        settings, hands, key = self._state.life.settings, self._hands, effect.key
        if settings is None:
            return
        self.port.perform(self.key(effect), lambda: _Listed(key, hands.find_tools(settings)), to=self.name)

    def _step(self, effect: RunStep) -> None:
        """Do a step of the start: what the runner does for it, it does once, under a key like an action's."""
        settings, hands, port = self._state.life.settings, self._hands, self.port
        step, incarnation = effect.step, effect.incarnation
        if settings is None or incarnation is None or step not in OURS:
            return
        name, key = effect.key, f"{self._log.id.hex()}/{self._stream}/{effect.key}"

        def work() -> _Stepped:
            began = port.now_ns()
            try:
                fact = take_step(hands, settings, step, key, incarnation)
            except HandsLost as lost:
                return _Stepped(name, incarnation, None, str(lost))
            return _Stepped(name, incarnation, replace(fact, seconds=(port.now_ns() - began) / 1e9))

        self.port.perform(self.key(effect), work, to=self.name)

    def _release(self, effect: Release) -> None:
        hands, key = self._hands, effect.key

        def work() -> _Released:
            hands.end()
            return _Released(key)

        self.port.perform(self.key(effect), work, to=self.name)

    def _execute(self, effect: Execute) -> None:
        wanted, hands, on_glimpse = self._wanted[effect.action], self._hands, self._on_glimpse
        incarnation = self._state.hands.incarnation or ""
        action, key, started_in = effect.action, self._key_of(effect.action), effect.started_in
        self._under_way.add(action)

        def work() -> _Executed:
            try:
                observation = hands.execute(
                    key, wanted.digest, wanted.action, started_in=started_in, on_glimpse=on_glimpse
                )
            except HandsLost as lost:
                return _Executed(action, incarnation, None, str(lost))
            return _Executed(action, incarnation, observation)

        self.port.perform(self.key(effect), work, to=self.name)

    def _executed(self, done: _Executed) -> None:
        self._under_way.discard(done.action)
        if done.observation is None:
            self._lost(done.incarnation, done.lost)
            return
        wanted = self._wanted.get(done.action)
        self.tell_session(
            ReportObservation(
                id=f"{self._stream}/observation/{done.action}",
                at=self.port.now_ns(),
                fact=ObservationRecorded(
                    cause=done.action,
                    observation=done.observation,
                    tool_call_id=None if wanted is None else wanted.tool_call_id,
                ),
            )
        )

    def _lost(self, incarnation: str, reason: str) -> None:
        fact = RuntimeLost(incarnation=incarnation, reason=reason)
        id_ = f"{self._stream}/lost/{incarnation}/{self._state.hands.launches}"
        self.tell_session(ReportConnection(id=id_, at=self.port.now_ns(), fact=fact))

    def _id(self, key: str) -> str:
        """Return the id of the command that reports what came of an effect in this epoch."""
        return f"{self._stream}/{key}/{self._state.life.epoch}"

    def _stop_strays(self) -> None:
        """Have the runner told to stop what it may yet do in vain; a hundred times does no harm."""
        self._closed += sorted(self._strays)
        self._under_way |= self._strays

    def _let_go(self) -> None:
        """Tell the runner of answered actions: to forget the result, or to stop what nobody awaits."""
        closed, self._closed = self._closed, []
        for action in closed:
            key, hands = self._key_of(action), self._hands
            if action in self._under_way:
                self._under_way.discard(action)
                self.port.perform(f"{key}/interrupt", partial(hands.interrupt, key), to=self.name)
            else:
                self.port.perform(f"{key}/acknowledge", partial(hands.acknowledge, key), to=self.name)

    def _key_of(self, action: int) -> str:
        """Return what the runner knows an action by: this log's id, the stream, the version."""
        return f"{self._log.id.hex()}/{self._stream}/{action}"
