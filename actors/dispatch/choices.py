"""The decisions of one simulation: each is asked of its chooser, and each is written down."""

from collections.abc import Callable, Sequence
from typing import Literal

from refold.actors.dispatch.choosers import Chooser, Way

type Victim = Literal["actor", "process"]
type Aim = Callable[[str, str], Victim | None]
"""Given who acts and the label of a point: what dies there, if anything."""


class Choices:
    """`trace` is every decision in order: replayed, it gives the same run. `faults` may yet go wrong."""

    def __init__(self, chooser: Chooser, faults: int, *, process_faults: bool, aim: Aim | None) -> None:
        self.trace: list[int] = []
        self.faults = faults
        self.process_faults = process_faults
        self._chooser = chooser
        self._aim = aim

    def pick(self, benign: int, faults: int, ways: Sequence[Way] = ()) -> int:
        """Return the number of the way to go; from `benign` on it is a fault, and paid for."""
        if self.faults <= 0:
            faults = 0
        if benign + faults == 1:
            return 0
        choice = self._chooser(benign, faults, ways)
        self.trace.append(choice)
        if choice >= benign:
            self.faults -= 1
        return choice

    def victim(self, actor: str, label: str, *, work: bool) -> Victim | None:
        """Return what dies at a point; `work` is no actor's, so only its process can."""
        if self._aim is not None and (aimed := self._aim(actor, label)) is not None:
            return aimed
        if self.faults <= 0 or (work and not self.process_faults):
            return None
        if work:
            return "process" if self.pick(1, 1) else None
        choice = self.pick(1, 1 + self.process_faults)
        return (None, "actor", "process")[choice]
