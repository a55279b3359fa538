"""Who decides what happens next in a simulation: every decision is one small number, 0 the plain course."""

import random
from collections.abc import Mapping, Sequence
from typing import Protocol

type Way = tuple[str, str]
"""A channel whose first letter may be delivered next: its sender and its receiver."""

PATIENT, CAREFUL, WILD = 0.005, 0.02, 0.08
"""Chances of a fault that a swarm mixes: some bugs need peace to get deep, others need trouble."""
CHANGES_MAX = 3
"""Channels that a priority chooser puts last in the course of a run; few bugs need more of them."""
DECISIONS = 150
"""Within so many decisions those changes fall."""


class Chooser(Protocol):
    """Choose one of `benign` ways to go on or of `faults` ways to go wrong.

    The answer is from 0 up to, not including, `benign` for the former, and from there on for the latter; 0 is
    what would happen if everything took its turn in order. `ways` are the channels that the benign ways
    stand for, the oldest letter first; it is empty where no delivery is chosen.
    """

    def __call__(self, benign: int, faults: int, ways: Sequence[Way], /) -> int: ...


class RandomChooser:
    """A seeded walk: any benign way with equal chance, a fault with chance `fault_rate`."""

    def __init__(self, seed: int, fault_rate: float = 0.03) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a schedule, not a secret
        self._fault_rate = fault_rate

    def __call__(self, benign: int, faults: int, _: Sequence[Way] = (), /) -> int:
        if faults and self._random.random() < self._fault_rate:
            return benign + int(self._random.random() * faults)
        return 0 if benign == 1 else int(self._random.random() * benign)


class PriorityChooser:
    """Probabilistic concurrency testing: every channel has a random priority, and the highest goes first.

    At a few random moments the channel whose turn it is comes last from then on. An ordering bug that needs d
    such changes is found with a chance that does not depend on how many schedules there are (Burckhardt et
    al., ASPLOS 2010).
    """

    def __init__(self, seed: int, fault_rate: float = 0.03) -> None:
        self._random = chance = random.Random(seed)  # noqa: S311
        self._fault_rate = fault_rate
        self._priorities: dict[Way, float] = {}
        self._decision = 0
        self._lowest = 0.0
        self._changes = {int(chance.random() * DECISIONS) for _ in range(int(chance.random() * 4))}

    def __call__(self, benign: int, faults: int, ways: Sequence[Way] = (), /) -> int:
        if faults and self._random.random() < self._fault_rate:
            return benign + int(self._random.random() * faults)
        if len(ways) != benign:
            return 0 if benign == 1 else int(self._random.random() * benign)
        self._decision += 1
        priorities = self._priorities
        best, highest = 0, -1e9
        for number, way in enumerate(ways):
            priority = priorities.get(way)
            if priority is None:
                priority = priorities[way] = self._random.random()
            if priority > highest:
                best, highest = number, priority
        if self._decision in self._changes:
            self._lowest -= 1.0
            priorities[ways[best]] = self._lowest
        return best


class Planned:
    """The plain course, but for a few channels put last and a few faults: what Hypothesis draws and shrinks.

    `demotions` names them by the number of the delivery at which it happens and the channel's place among
    those ready then; `faults` by the number of the occasion on which something could go wrong, and how.
    """

    def __init__(
        self, demotions: Sequence[tuple[int, int]] = (), faults: Sequence[tuple[int, int]] = ()
    ) -> None:
        self._plan = f"Planned(demotions={list(demotions)}, faults={list(faults)})"
        self._demotions = dict(demotions)
        self._faults = dict(faults)
        self._demoted: dict[Way, int] = {}
        self._deliveries = self._occasions = -1

    def __repr__(self) -> str:
        return self._plan

    def __call__(self, benign: int, faults: int, ways: Sequence[Way] = (), /) -> int:
        if faults:
            self._occasions += 1
            if (fault := self._faults.get(self._occasions)) is not None:
                return benign + fault % faults
        if len(ways) != benign:
            return 0
        self._deliveries += 1
        if (place := self._demotions.get(self._deliveries)) is not None:
            self._demoted.setdefault(ways[place % benign], len(self._demoted))
        return min(range(benign), key=lambda number: (self._demoted.get(ways[number], -1), number))


class Replay:
    """A recorded trace, or a few deviations by the number of their decision; beyond it, the plain course."""

    def __init__(self, plan: Sequence[int] | Mapping[int, int] = ()) -> None:
        self._plan = dict(plan) if isinstance(plan, Mapping) else dict(enumerate(plan))
        self._decision = -1

    def __call__(self, benign: int, faults: int, _: Sequence[Way] = (), /) -> int:
        self._decision += 1
        return self._plan.get(self._decision, 0) % (benign + faults)


def swarm(seed: int) -> Chooser:
    """Return a chooser for this seed: mostly of priorities, else at random, with much or little trouble."""
    chance = random.Random(f"swarm of {seed}")  # noqa: S311
    fault_rate = chance.choice((PATIENT, CAREFUL, WILD))
    kind = PriorityChooser if chance.random() < 0.6 else RandomChooser  # noqa: PLR2004
    return kind(seed, fault_rate)
