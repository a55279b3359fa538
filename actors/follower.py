"""What Controller, Memory and Runtime have in common: follow, perform what became due, tell Session."""

import abc

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import Dispatcher, WorkFailed
from refold.actors.session.commands import Command
from refold.actors.session.due import Effect, due
from refold.actors.session.evolve import evolve
from refold.actors.session.messages import Committed, PerformAgain, Submit, session_name
from refold.actors.session.state import State, initial_state
from refold.eventlog.log import EventLog
from refold.eventlog.record import Record


class Follower(Actor):
    """Acts on committed facts only. It keeps nothing that the log does not hold.

    The state comes with the facts, from Session, which has folded them to decide; a follower that missed some
    folds the log itself, and comes to the same.
    """

    def __init__(self, port: Dispatcher, name: str, stream: str, log: EventLog) -> None:
        super().__init__(port, name)
        self._stream, self._log = stream, log
        self._state: State = initial_state()
        self._owed: frozenset[str] = frozenset()
        self._performed: State = self._state
        """The state as of which everything due was performed; `_owed` holds the keys of that."""

    def on_start(self) -> None:
        self._catch_up()
        self._perform_due()

    def on_receive(self, message: object) -> None:
        match message:
            case Committed(records=records, states=states):
                # What was read ahead of Session may have been told to a Session that did not know it yet.
                if records[0].version <= self._state.version:
                    self._owed = frozenset()
                for record, state in zip(records, states, strict=True):
                    self._take(record, state)
                self._perform_due()
            case PerformAgain():
                self._catch_up()
                self._owed = frozenset()
                self._perform_due()
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

    def _take(self, record: Record, state: State) -> None:
        if record.version <= self._state.version:
            return
        if record.version > self._state.version + 1:
            self._catch_up(until=record.version - 1)
        self._see(record, state)

    def _see(self, record: Record, state: State) -> None:
        """Take in the next record, after which the session is in `state`.

        What was not due for a moment is due anew: its outcome may be lost.
        """
        if self._owed and self._state is not self._performed:
            self._owed &= {effect.key for effect in due(self._state)}
        self.on_record(record)
        self._state = state

    def _catch_up(self, until: int | None = None) -> None:
        for record in self._log.read(self._stream, after=self._state.version, until=until):
            self._see(record, evolve(self._state, record.event, record.version))

    def _perform_due(self) -> None:
        effects = due(self._state)
        before, self._owed = self._owed, frozenset([effect.key for effect in effects])
        self._performed = self._state
        for effect in effects:
            if effect.key not in before:
                self.perform(effect)
