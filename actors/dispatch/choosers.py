"""Who decides what happens next in a simulation: every decision is one small number, 0 the plain course."""

import random
from collections.abc import Mapping, Sequence
from typing import Protocol


class Chooser(Protocol):
    """Choose one of `benign` ways to go on or of `faults` ways to go wrong.

    The answer is from 0 up to, not including, `benign` for the former, and from there on for the latter; 0 is
    what would happen if everything took its turn in order.
    """

    def __call__(self, benign: int, faults: int, /) -> int: ...


class RandomChooser:
    """A seeded walk: any benign way with equal chance, a fault with chance `fault_rate`."""

    def __init__(self, seed: int, fault_rate: float = 0.03) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a schedule, not a secret
        self._fault_rate = fault_rate

    def __call__(self, benign: int, faults: int, /) -> int:
        if faults and self._random.random() < self._fault_rate:
            return benign + self._random.randrange(faults)
        return int(self._random.random() * benign)


class Replay:
    """A recorded trace, or a few deviations by the number of their decision; beyond it, the plain course."""

    def __init__(self, plan: Sequence[int] | Mapping[int, int] = ()) -> None:
        self._plan = dict(plan) if isinstance(plan, Mapping) else dict(enumerate(plan))
        self._decision = -1

    def __call__(self, benign: int, faults: int, /) -> int:
        self._decision += 1
        return self._plan.get(self._decision, 0) % (benign + faults)
