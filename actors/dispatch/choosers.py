"""Who decides what happens next in a simulation: every decision is one small number, 0 the plain course."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import Literal, Protocol

from refold.actors.dispatch.flight import WORK

type Way = tuple[str, str]
"""A channel whose first letter may be delivered next: its sender and its receiver."""
type Occasion = Literal["step", "point", "touch"]
"""When something may go wrong: between two steps, inside one, and where the world is touched."""


class Troubles(Protocol):
    """Decides whether something goes wrong, and counts how often it did."""

    strikes: int

    def trouble(self, count: int, occasion: Occasion, /) -> int: ...


type Part = str | Way
"""What is slow or quick as a whole: a pair of actors, or work of one kind."""

_NUMBERS = re.compile(r"\d+")


class Chooser(Protocol):
    """Decides who goes next, and whether something goes wrong. 0 is the plain course in both."""

    def choose(self, count: int, ways: Sequence[Way], /) -> int:
        """Return one of `count` ways to go on, 0 the oldest.

        `ways` are the channels that they stand for, or empty where no delivery is chosen.
        """
        ...

    def trouble(self, count: int, occasion: Occasion, /) -> int:
        """Return 0 if all goes well, else in which of `count` ways it goes wrong, from 1 on."""
        ...


class RandomOrder:
    """A seeded walk: every way has an equal chance."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a schedule, not a secret

    def choose(self, count: int, _: Sequence[Way] = (), /) -> int:
        return int(self._random.random() * count)


class PriorityOrder:
    """Probabilistic concurrency testing: every channel has a random priority, and the highest goes first.

    At a few random moments the channel whose turn it is comes last from then on. An ordering bug that needs d
    such changes is found with a chance that does not depend on how many schedules there are (Burckhardt et
    al., ASPLOS 2010).
    """

    CHANGES_MAX = 3
    DELIVERIES = 150
    """Within so many deliveries the changes fall."""

    def __init__(self, seed: int) -> None:
        self._random = chance = Random(seed)  # noqa: S311
        self._priorities: dict[Way, float] = {}
        self._delivery = 0
        self._lowest = 0.0
        count = chance.randrange(self.CHANGES_MAX + 1)
        self._changes = {chance.randrange(self.DELIVERIES) for _ in range(count)}

    def choose(self, count: int, ways: Sequence[Way] = (), /) -> int:
        if not ways:
            return int(self._random.random() * count)
        self._delivery += 1
        priorities = self._priorities
        best, highest = 0, -1e9
        for number, way in enumerate(ways):
            priority = priorities.get(way)
            if priority is None:
                priority = priorities[way] = self._random.random()
            if priority > highest:
                best, highest = number, priority
        if self._delivery in self._changes:
            self._lowest -= 1.0
            priorities[ways[best]] = self._lowest
        return best


class ShakenOrder:
    """Every part of the system has a random priority, and what goes wrong upsets them for a while.

    A part is a pair of actors, or all work of one kind and what comes of it: a slow disk is slow each time.
    After a fault, for some deliveries, any part whose turn it is may come last from then on: that is when
    some are rebuilt and others have not heard of it.
    """

    SHAKEN = 16
    """So many deliveries an upset lasts."""
    UPSET = 0.2
    """How often a delivery then puts its part last."""

    def __init__(self, seed: int, trouble: Troubles) -> None:
        self._random = Random(seed)  # noqa: S311
        self._trouble, self._strikes = trouble, 0
        self._parts: dict[Way, Part] = {}
        self._priorities: dict[Part, float] = {}
        self._shaken = 0
        self._lowest = 0.0

    def choose(self, count: int, ways: Sequence[Way] = (), /) -> int:
        if not ways:
            return int(self._random.random() * count)
        best, highest = 0, -1e9
        chosen: Part = WORK
        for number, way in enumerate(ways):
            part = self._parts.get(way)
            if part is None:
                part = self._parts[way] = part_of(way)
            priority = self._priorities.get(part)
            if priority is None:
                priority = self._priorities[part] = self._random.random()
            if priority > highest:
                best, highest, chosen = number, priority, part
        if self._trouble.strikes != self._strikes:
            self._strikes, self._shaken = self._trouble.strikes, self.SHAKEN
        if self._shaken:
            self._shaken -= 1
            if self._random.random() < self.UPSET:
                self._lowest -= 1.0
                self._priorities[chosen] = self._lowest
        return best


@lru_cache(maxsize=10_000)
def part_of(way: Way) -> Part:
    """Return the part of the system that a channel belongs to."""
    source, target = way
    if source == WORK:
        return _NUMBERS.sub("", target)
    return (_NUMBERS.sub("", source), target) if source.startswith(WORK) else way


class RandomTrouble:
    """On every occasion something goes wrong with the same chance."""

    def __init__(self, seed: int, rate: float) -> None:
        self._random = Random(f"trouble of {seed}")  # noqa: S311
        self._rate = rate
        self.strikes = 0

    def trouble(self, count: int, _: Occasion, /) -> int:
        if self._random.random() >= self._rate:
            return 0
        self.strikes += 1
        return 1 + int(self._random.random() * count)


class PlannedTrouble:
    """A few faults at occasions that are drawn beforehand, so that they fall late as often as early.

    A chance on every occasion would spend them all while a session starts: points inside handlers are many.
    """

    FAULTS_MAX = 3
    OCCASIONS: Mapping[Occasion, int] = {"touch": 30, "point": 200, "step": 120}
    """How many of each a session of two steps comes by; longer ones are reached by stretching."""
    SHARES: tuple[Occasion, ...] = ("touch", "touch", "point", "point", "step")
    STRETCHES = (0.4, 1.0, 1.0, 2.5)

    def __init__(self, seed: int) -> None:
        self._random = chance = Random(f"trouble of {seed}")  # noqa: S311
        self._seen: dict[Occasion, int] = {"touch": 0, "point": 0, "step": 0}
        self._at: dict[Occasion, set[int]] = {"touch": set(), "point": set(), "step": set()}
        self.strikes = 0
        stretch = chance.choice(self.STRETCHES)
        for _ in range(chance.randrange(self.FAULTS_MAX + 1)):
            occasion = chance.choice(self.SHARES)
            self._at[occasion].add(int(chance.random() * self.OCCASIONS[occasion] * stretch))

    def trouble(self, count: int, occasion: Occasion, /) -> int:
        seen = self._seen[occasion]
        self._seen[occasion] = seen + 1
        return self._strike(count) if seen in self._at[occasion] else 0

    def _strike(self, count: int) -> int:
        self.strikes += 1
        return 1 + int(self._random.random() * count)


class ClusteredTrouble(PlannedTrouble):
    """The same, and where something goes wrong, more does soon: few have looked at how recovery fails."""

    CLOSE = 40
    """Within so many occasions of any kind."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._soon = -1

    def trouble(self, count: int, occasion: Occasion, /) -> int:
        way = super().trouble(count, occasion)
        self._soon -= 1
        if not way and self._soon == 0:
            way = self._strike(count)
        if way:
            self._soon = 1 + int(self._random.random() * self.CLOSE)
        return way


class RandomChooser:
    """A seeded walk in which something goes wrong with chance `fault_rate`, on every occasion."""

    def __init__(self, seed: int, fault_rate: float = 0.03) -> None:
        self.choose = RandomOrder(seed).choose
        self.trouble = RandomTrouble(seed, fault_rate).trouble


class SwarmChooser:
    """A mix that differs from seed to seed: of orders, and of how trouble comes."""

    PRIORITIES, SHAKEN = 0.4, 0.4
    """The shares of these orders; the rest walks."""
    PLANS, CLUSTERS, RATE = 0.6, 0.3, 0.05
    """The shares of these troubles; the rest comes at any time, at this rate."""

    def __init__(self, seed: int) -> None:
        chance = Random(f"swarm of {seed}")  # noqa: S311
        order, kind = chance.random(), chance.random()
        troubles: Troubles
        if kind < self.PLANS:
            troubles = PlannedTrouble(seed)
        elif kind < self.PLANS + self.CLUSTERS:
            troubles = ClusteredTrouble(seed)
        else:
            troubles = RandomTrouble(seed, self.RATE)
        self.trouble = troubles.trouble
        if order < self.PRIORITIES:
            self.choose = PriorityOrder(seed).choose
        elif order < self.PRIORITIES + self.SHAKEN:
            self.choose = ShakenOrder(seed, troubles).choose
        else:
            self.choose = RandomOrder(seed).choose


class Planned:
    """The plain course, but for a few channels put last and a few faults: what Hypothesis draws and shrinks.

    `demotions` names channels by the number of the delivery at which it happens and their place among those
    ready then; `faults` by the number of the occasion on which something could go wrong, and how.
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

    def choose(self, count: int, ways: Sequence[Way] = (), /) -> int:
        if not ways:
            return 0
        self._deliveries += 1
        if (place := self._demotions.get(self._deliveries)) is not None:
            self._demoted.setdefault(ways[place % count], len(self._demoted))
        return min(range(count), key=lambda number: (self._demoted.get(ways[number], -1), number))

    def trouble(self, count: int, _: Occasion, /) -> int:
        self._occasions += 1
        fault = self._faults.get(self._occasions)
        return 0 if fault is None else 1 + fault % count


class Replay:
    """A recorded trace, or a few deviations by the number of their decision; beyond it, the plain course."""

    def __init__(self, plan: Sequence[int] | Mapping[int, int] = ()) -> None:
        self._plan = dict(plan) if isinstance(plan, Mapping) else dict(enumerate(plan))
        self._decision = -1

    def choose(self, count: int, _: Sequence[Way] = (), /) -> int:
        self._decision += 1
        return self._plan.get(self._decision, 0) % count

    def trouble(self, count: int, _: Occasion, /) -> int:
        self._decision += 1
        return self._plan.get(self._decision, 0) % (count + 1)
