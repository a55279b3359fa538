"""A failing run made small: the same law breaks, with as few deviations from the plain course as possible.

A deviation changes how many decisions come after it, so that those behind it mean something else than they
did. Therefore a run is first said by names (`refold/testing/courses.py`), and letter by letter is held back
no more. Then what is left is taken out by number, with the rest where it was and a little shifted; and what
no taking out makes small is looked for anew, from the plain course up: one deviation, then a few.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random

from refold.actors.dispatch.choosers import Chooser, Occasion, Planned, Replay, Way
from refold.testing.courses import Course, Noted, Overhearing, Steered
from refold.testing.simulation import Scenario, Simulated, simulate

RUNS_MAX = 4_000
ENOUGH = 3
"""A story with no more deviations than this can be read: nothing shorter is looked for at length."""
SHIFTS = (-1, 1, -2, 2, 3, -3)
"""How far the decisions behind a deviation move when it is taken out, as a rule."""
UNKNOWN = 1_000_000
LONG = 500
"""A run of so many steps counts for one more; else runs without end would take all day."""
FEW = 8
"""From so few deviations on, each is worth moving around."""
NEIGHBOURS = 4
"""Seeds behind the failing one that are looked at too: another person, or none, may need less trouble."""

LIKELY = 0.7
"""How often a deviation that is tried at random is of a kind that the run that failed had."""

type Plan = dict[int, int]
"""Deviations from the plain course, by the number of their decision."""
type Trouble = tuple[int, int]
"""A kind of fault: in how many ways a thing could go wrong, and in which it did."""


def law_of(simulated: Simulated) -> str | None:
    """Return the name of the law that a run broke."""
    return None if simulated.failure is None else simulated.failure.partition(":")[0]


def shrink(scenario: Scenario, simulated: Simulated, *, runs_max: int = RUNS_MAX) -> Simulated:
    """Return the smallest run found that breaks the law that `simulated` broke, in `runs_max` runs at most.

    The same seed as a rule; a neighbouring one where only that needs few enough deviations.
    """
    if simulated.failure is None:
        raise ValueError(f"nothing to shrink: {simulated.line} kept every law")
    search = _Search(scenario, simulated, runs_max)
    try:
        search.hold_fewer()
        search.take_out()
        search.tidy()
        search.start_anew()
        search.tidy()
    except _Spent:
        pass
    return search.best


class _Spent(Exception):
    """All runs are used up; the best one so far has to do."""


class Watched:
    """A chooser that notes what its inner one was asked: how many ways each decision had, and which."""

    def __init__(self, inner: Chooser) -> None:
        self.ways: list[tuple[int, int]] = []
        self.deviations = 0
        """Faults, and letters held back: a letter that others overtake is one, however many they are."""
        self._inner = inner
        self._held: set[Way] = set()
        self._struck = False

    def choose(self, count: int, ways: Sequence[Way] = (), /) -> int:
        self.ways.append((count, 0))
        choice = self._inner.choose(count, ways)
        struck, self._struck = self._struck, False
        if ways:
            overtaken = set(ways[:choice])
            self.deviations += len(overtaken - self._held)
            self._held = (self._held | overtaken) - {ways[choice]}
        elif choice and not struck:  # Else it says whom the fault before struck.
            self.deviations += 1
        return choice

    def trouble(self, count: int, occasion: Occasion, /) -> int:
        self.ways.append((1, count))
        choice = self._inner.trouble(count, occasion)
        self._struck = choice > 0
        self.deviations += choice > 0
        return choice


def count_deviations(scenario: Scenario, simulated: Simulated) -> int:
    """Return how many faults a run had, and how many letters were held back in it."""
    watched = Watched(Replay(simulated.trace))
    simulate(scenario, seed=simulated.seed, chooser=watched)
    return watched.deviations


class _Search:
    def __init__(self, scenario: Scenario, failed: Simulated, runs_max: int) -> None:
        self.best = failed
        self._size = (UNKNOWN,) * 4
        self._scenario, self._law, self._left = scenario, law_of(failed), runs_max
        self._tried: set[tuple[int, frozenset[tuple[int, int]]]] = set()

    def _run(
        self, chooser: Chooser, seed: int, scenario: Scenario | None = None
    ) -> tuple[Simulated, Watched]:
        if self._left <= 0:
            raise _Spent
        watched = Watched(chooser)
        found = simulate(scenario or self._scenario, seed=seed, chooser=watched)
        self._left -= 1 + found.steps // LONG
        return found, watched

    def _attempt(self, plan: Plan, seed: int | None = None) -> bool:
        """Run it; keep it and return True if it breaks the same law and is smaller."""
        seed = self.best.seed if seed is None else seed
        name = seed, frozenset(plan.items())
        if name in self._tried:
            return False
        self._tried.add(name)
        return self._keep_smaller(*self._run(Replay(plan), seed))

    def _keep_smaller(self, found: Simulated, watched: Watched) -> bool:
        if law_of(found) != self._law or (size := _size(found, watched)) >= self._size:
            return False
        self.best, self._size = found, size
        return True

    @property
    def enough(self) -> bool:
        return self._size[0] <= ENOUGH

    # Less of what there is --------------------------------------------------------------------------------

    def hold_fewer(self) -> None:
        """Take out ever smaller chunks of the course that the run took, the latest first."""
        course = self._noted().course
        chunk = course.size
        while chunk:
            taken, last = False, course.size
            while last > 0:
                first = max(last - chunk, 0)
                fewer = course.without(first, last)
                if self._follow(fewer):
                    course, taken = fewer, True
                last = first
            if not (taken and chunk == 1):
                chunk //= 2
        self._hold_shorter()

    def _hold_shorter(self) -> None:
        """Let each letter be overtaken by as few others as will do."""
        noted = self._noted()
        course = noted.course
        for letter, others in noted.overtaken.items():
            fewest, most = 0, len(others) - 1
            while fewest < most:
                middle = (fewest + most) // 2
                shorter = course.held(letter, others[middle])
                if self._follow(shorter):
                    course, most = shorter, middle
                else:
                    fewest = middle + 1

    def _noted(self) -> Noted:
        """Write down the course of the best run."""
        noted = Noted(Replay(self.best.trace))
        self._run(noted, self.best.seed, Overhearing(self._scenario, noted))
        return noted

    def _follow(self, course: Course) -> bool:
        """Run it; return whether it breaks the same law."""
        steered = Steered(course)
        found, watched = self._run(steered, self.best.seed, Overhearing(self._scenario, steered))
        self._keep_smaller(found, watched)
        return law_of(found) == self._law

    def take_out(self) -> None:
        """Take out ever smaller chunks, the latest first: what comes after them moves least."""
        self._attempt(dict(enumerate(self.best.trace)))
        self._attempt({})
        chunk = max(len(self.best.deviations) // 2, 1)
        while chunk:
            taken = False
            end = len(self.best.deviations)
            while end > 0:
                items = sorted(self.best.deviations.items())
                end = min(end, len(items))
                start = max(end - chunk, 0)
                taken |= any(self._attempt(plan) for plan in _without(items, start, end))
                end = start
            if not (taken and chunk == 1):
                chunk //= 2

    def tidy(self) -> None:
        """Move each deviation earlier and make it smaller, as long as there are few enough to be worth it."""
        moved = True
        while moved and len(self.best.deviations) <= FEW:
            moved = any(self._attempt(plan) for plan in tuple(_tidier(self.best.deviations)))

    # From the plain course up -----------------------------------------------------------------------------

    def start_anew(self) -> None:
        """Look for single deviations of the kinds that are left; where many are, for a few at a time."""
        if self._size[0] < 1:
            return
        seeds = range(self.best.seed, self.best.seed + NEIGHBOURS + 1)
        troubles = self._troubles_of(self.best)
        for seed in seeds[:1] if self.enough else seeds:
            _, plain = self._run(Replay(), seed)
            likely = [plan for plan in _singles(plain.ways) if _trouble(plain.ways, plan) in troubles]
            if any(self._attempt(plan, seed) for plan in likely):
                return
        chance = Random(f"few deviations of {self.best.seed}")  # noqa: S311 - repeatable on purpose
        _, plain = self._run(Replay(), self.best.seed)
        while not self.enough:
            if chance.random() < LIKELY:
                self._attempt_few(chance.choice(seeds), chance, troubles)
            else:
                self._hold_few(chance.choice(seeds), chance, plain.ways)

    def _troubles_of(self, simulated: Simulated) -> set[Trouble]:
        """Return what went wrong in a run, by kind."""
        _, watched = self._run(Replay(simulated.trace), simulated.seed)
        kinds = (_trouble(watched.ways, {number: choice}) for number, choice in simulated.deviations.items())
        return {kind for kind in kinds if kind is not None}

    def _attempt_few(self, seed: int, chance: Random, troubles: set[Trouble]) -> None:
        """Deviate two or three times, each from the course that the ones before led to.

        Mostly in a way that is among the troubles of the run that failed.
        """
        plan: Plan = {}
        for _ in range(ENOUGH):
            found, watched = self._run(Replay(plan), seed)
            self._keep_smaller(found, watched)
            later = [one for one in _singles(watched.ways) if min(one) > max(plan, default=-1)]
            if found.failure is not None or not later:
                return
            likely = [one for one in later if _trouble(watched.ways, one) in troubles]
            plan |= chance.choice(likely if likely and chance.random() < LIKELY else later)
        self._attempt(plan, seed)

    def _hold_few(self, seed: int, chance: Random, ways: Sequence[tuple[int, int]]) -> None:
        """Put a channel or two last for good, and let a thing or two go wrong."""
        channels = chance.randrange(1, ENOUGH)
        holds = [(chance.randrange(len(ways) // 2), chance.randrange(4)) for _ in range(channels)]
        troubles = [
            (chance.randrange(len(ways)), chance.randrange(4)) for _ in range(chance.randrange(ENOUGH))
        ]
        self._keep_smaller(*self._run(Planned(holds, troubles), seed))


def _size(simulated: Simulated, watched: Watched) -> tuple[int, int, int, int]:
    deviations = simulated.deviations
    return watched.deviations, len(deviations), sum(deviations), sum(deviations.values())


def _without(items: Sequence[tuple[int, int]], start: int, end: int) -> Iterator[Plan]:
    """Yield the plan without a chunk, with the rest where it was and then a little shifted."""
    head, tail = items[:start], items[end:]
    yield dict((*head, *tail))
    if not tail:
        return
    for shift in SHIFTS:
        moved = [(number + shift, choice) for number, choice in tail]
        if not head or moved[0][0] > head[-1][0]:
            yield dict((*head, *moved))


def _tidier(deviations: Mapping[int, int]) -> Iterator[Plan]:
    for number, choice in sorted(deviations.items()):
        rest = {other: kept for other, kept in deviations.items() if other != number}
        for lower in range(1, choice):
            yield rest | {number: lower}
        step = 1
        while number - step >= 0:
            if number - step not in rest:
                yield rest | {number - step: choice}
                yield {other - step * (other > number): kept for other, kept in rest.items()} | {
                    number - step: choice
                }
            step *= 2


def _singles(ways: Iterable[tuple[int, int]]) -> Iterator[Plan]:
    for number, (benign, faults) in enumerate(ways):
        for choice in range(1, benign + faults):
            yield {number: choice}


def _trouble(ways: Sequence[tuple[int, int]], plan: Plan) -> Trouble | None:
    """Return the kind of fault that a single deviation is; None for one that only changes an order."""
    ((number, choice),) = plan.items()
    benign, faults = ways[number]
    return (faults, choice - benign) if choice >= benign else None
