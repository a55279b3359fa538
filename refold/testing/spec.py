"""Deciders in three words: `given(facts).when(command).then(facts)`.

Nothing runs: no actor, no log, no clock. Each step hands back the session after it, so that sentences chain.
"""

from collections.abc import Iterable
from typing import Self

from refold.actors.session.commands import Command
from refold.actors.session.decide import decide
from refold.actors.session.evolve import evolve
from refold.actors.session.refused import Refused
from refold.actors.session.state import State, initial_state
from refold.eventlog.events import Event


class Given:
    """A session after these facts; `state` is what its deciders know of it."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: tuple[Event, ...] = ()
        self.state: State = initial_state()
        self._add(events)

    def when(self, command: Command) -> "When":
        """Have the command decided here; nothing is added until `then` has agreed."""
        return When(self, command)

    def after(self, *commands: Command) -> Self:
        """Add what these commands lead to, one after the other. Raises `Refused`."""
        for command in commands:
            self._add(decide(self.state, command))
        return self

    def _add(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events = (*self.events, event)
            self.state = evolve(self.state, event, self.state.version + 1)


class When:
    """A command and what it was decided to lead to, or why it was refused."""

    def __init__(self, session: Given, command: Command) -> None:
        self.events: tuple[Event, ...] = ()
        self.refused: str | None = None
        self._session, self._command = session, command
        try:
            self.events = decide(session.state, command)
        except Refused as refusal:
            self.refused = str(refusal)

    def then(self, *events: Event) -> Given:
        """Demand exactly these facts, in order; return the session after them."""
        assert self.refused is None, f"{self._command} was refused: {self.refused}"  # noqa: S101 - it asserts
        assert self.events == events, f"{self._command} led to {self.events}"  # noqa: S101
        return Given((*self._session.events, *events))

    def then_types(self, *types: type[Event]) -> Given:
        """Demand facts of exactly these types, in order; return the session after them."""
        assert self.refused is None, f"{self._command} was refused: {self.refused}"  # noqa: S101
        found = tuple(type(event) for event in self.events)
        assert found == types, f"{self._command} led to {[each.__name__ for each in found]}"  # noqa: S101
        return Given((*self._session.events, *self.events))

    def then_nothing(self) -> Given:
        """Demand that the command is honoured and changes nothing."""
        return self.then()

    def then_refused(self, part: str = "") -> Given:
        """Demand a refusal that says `part`; return the session as it was."""
        assert self.refused is not None, f"{self._command} led to {self.events}"  # noqa: S101
        assert part in self.refused, f"refused otherwise: {self.refused}"  # noqa: S101
        return self._session


def given(*events: Event) -> Given:
    """Return the session of which these facts are recorded, from version 0."""
    return Given(events)
