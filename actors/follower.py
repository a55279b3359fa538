"""What Controller, Memory and Runtime have in common: follow, perform what became due, tell Session."""

import abc

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import Dispatcher, WorkFailed
from refold.actors.session.commands import Command
from refold.actors.session.due import NOTHING_OWED, Effect, Owed, owed
from refold.actors.session.evolve import evolve
from refold.actors.session.messages import Committed, PerformAgain, Submit, session_name
from refold.actors.session.state import State, initial_state
from refold.eventlog.events import SessionClaimed
from refold.eventlog.log import EventLog
from refold.eventlog.record import Record


class Follower(Actor):
    """Acts on committed facts only. It keeps nothing that the log does not hold.

    The state comes with the facts, from Session, which has folded them to decide: the first one, `met`, as it
    was when Session gathered its followers. One that missed some folds the log itself, and comes to the same.
    """

    def __init__(self, port: Dispatcher, name: str, stream: str, log: EventLog, met: State) -> None:
        super().__init__(port, name)
        self._stream, self._log, self._met = stream, log, met
        self._state: State = initial_state()
        self._owed: frozenset[str] = frozenset()
        """The keys of what was performed and has been due ever since."""

    def on_start(self) -> None:
        self._catch_up()
        self._perform_due(owed(self._state))

    def on_receive(self, message: object) -> None:
        match message:
            case Committed(records=records, states=states, dues=dues):
                for record, state, then in zip(records, states, dues, strict=True):
                    self._take(record, state, then)
                self._perform_due(dues[-1] if self._state is states[-1] else owed(self._state))
            case PerformAgain():
                self._catch_up()
                self._owed = frozenset()
                self._perform_due(owed(self._state))
            case WorkFailed(key=key, error=error, message=text):
                raise RuntimeError(f"{key}: {error}: {text}")
            case _:
                self.on_outcome(message)

    @property
    def state(self) -> State:
        """What it knows, for whoever compares it with the log."""
        return self._state

    @abc.abstractmethod
    def perform(self, effect: Effect) -> None:
        """Begin an effect that became due; ignore those of others. Never blocks."""

    @abc.abstractmethod
    def on_outcome(self, message: object) -> None:
        """Tell Session what came of an effect."""

    def on_record(self, record: Record) -> None:
        """Take note of a record beyond what the state holds."""

    def tell_session(self, command: Command) -> None:
        self.port.point("tell session")
        self.port.tell(session_name(self._stream), Submit(command=command))

    def key(self, effect: Effect) -> str:
        return f"{self._stream}/{effect.key}"

    def _take(self, record: Record, state: State, then: Owed) -> None:
        if record.version <= self._state.version:
            return
        if record.version > self._state.version + 1:
            self._catch_up(until=record.version - 1)
        self._see(record, state, then)

    def _see(self, record: Record, state: State, then: Owed) -> None:
        """Take in the next record, after which the session is in `state`, and owes something.

        What was not due for a moment is due anew: its outcome may be lost.
        """
        if self._owed:
            self._owed &= then.keys
        self.on_record(record)
        self._state = state

    def _catch_up(self, until: int | None = None) -> None:
        """Read what is in the log; what another driver claimed since is not for us to act on."""
        for record in self._log.read(self._stream, after=self._state.version, until=until):
            met = record.version <= self._met.version
            if not met and isinstance(record.event, SessionClaimed):
                return
            state = self._met if met else evolve(self._state, record.event, record.version)
            self._see(record, state, owed(state) if self._owed else NOTHING_OWED)

    def _perform_due(self, now: Owed) -> None:
        """Perform what is due now and was not before."""
        before, self._owed = self._owed, now.keys
        for effect in now.effects:
            if effect.key not in before:
                self.perform(effect)
