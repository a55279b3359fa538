"""The decisions of one simulation: each is asked of its chooser, and each is written down."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.choosers import Chooser, Occasion, Way

type Victim = Literal["actor", "process"]
type Aim = Callable[[str, str], Victim | None]
"""Given who acts and the label of a point: what dies there, if anything."""
type Witness = Callable[[Mapping[str, Actor]], None]
"""Shown the actors that are between two messages, by name, when one of them or all are about to die."""


class Choices:
    """`trace` is every decision in order: replayed, it gives the same run. `faults` may yet go wrong."""

    def __init__(self, chooser: Chooser, faults: int, *, process_faults: bool, aim: Aim | None) -> None:
        self.trace: list[int] = []
        self.faults = faults
        self._choose, self._trouble = chooser.choose, chooser.trouble
        self._aim = aim
        self.inside: tuple[Victim, ...] = ("actor", "process") if process_faults else ("actor",)
        self.at_work: tuple[Victim, ...] = ("process",) if process_faults else ()
        """Work is no actor's, so only its process can die at it."""

    def choose(self, count: int, ways: Sequence[Way] = ()) -> int:
        """Return the number of the way to go; where there is only one, nothing is decided."""
        if count == 1:
            return 0
        choice = self._choose(count, ways)
        self.trace.append(choice)
        return choice

    def trouble(self, count: int, occasion: Occasion) -> int:
        """Return 0, or in which of `count` ways something goes wrong; then it is paid for."""
        if self.faults <= 0:
            return 0
        choice = self._trouble(count, occasion)
        self.trace.append(choice)
        if choice:
            self.faults -= 1
        return choice

    def victim(self, actor: str, label: str, victims: tuple[Victim, ...]) -> Victim | None:
        """Return which of `victims` dies at a point, if any; `inside` an actor or `at_work`."""
        if self._aim is not None and (aimed := self._aim(actor, label)) is not None:
            return aimed
        if self.faults <= 0 or not victims:
            return None
        choice = self._trouble(len(victims), "point")
        self.trace.append(choice)
        if not choice:
            return None
        self.faults -= 1
        return victims[choice - 1]
