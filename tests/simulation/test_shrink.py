"""Failing runs are made small: what is left of them is what it takes."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

import pytest

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.stepper import Stepper
from refold.eventlog.record import Record
from refold.testing.minutes import Broken
from refold.testing.shrink import law_of, shrink
from refold.testing.simulation import Run, Simulated, simulate

NAMES, LETTERS = 6, 5


class Toy:
    """Letters to several people, in any order, and after each of them something may go wrong.

    What goes wrong brings one more decision, so that those behind it move. A run breaks when things went
    wrong in `ways`, one after another.
    """

    name = "toy"

    def __init__(self, *ways: str) -> None:
        self.ways = ways

    def run(self, stepper: Stepper, seed: int) -> Run:
        del seed
        return ToyRun(self.ways, stepper)


class ToyRun:
    def __init__(self, ways: Sequence[str], stepper: Stepper) -> None:
        self._left, self._stepper = list(ways), stepper

    def begin(self) -> None:
        for name in range(NAMES):
            self._stepper.listen(f"{name}")
            for letter in range(LETTERS):
                self._stepper.tell(f"{name}", letter)

    def look(self) -> None:
        way = self._stepper.mishap("after a letter", "lost", "late", "twice")
        if way is not None:
            self._stepper.mishap("and then", "worse")
        if way == self._left[0]:
            self._left.pop(0)
        if not self._left:
            raise Broken("things_do_not_go_wrong_like_this", "they did")

    def died(self) -> None:
        pass

    def rest(self) -> bool:
        return False

    def end(self) -> None:
        pass

    def witness(self, actors: Mapping[str, Actor]) -> None:
        pass

    def evidence(self) -> bytes:
        return b""

    def seen(self) -> Sequence[str]:
        return ()

    def stored(self) -> Iterable[Record]:
        return ()

    def close(self) -> None:
        pass


def first_failure(toy: Toy) -> Simulated:
    runs = (simulate(toy, seed=seed) for seed in count())
    return next(simulated for simulated in runs if simulated.failure is not None)


@pytest.mark.parametrize("ways", [("late",), ("twice", "lost"), ("lost", "twice", "late")])
def test_what_is_left_is_what_it_takes(ways: tuple[str, ...]) -> None:
    toy = Toy(*ways)
    found = first_failure(toy)
    small = shrink(toy, found)
    assert law_of(small) == law_of(found) == "things_do_not_go_wrong_like_this"
    assert len(found.deviations) > len(small.deviations) == len(ways)


def test_the_plain_course_needs_no_deviation() -> None:
    toy = Toy("late")
    small = shrink(toy, first_failure(toy))
    assert small.deviations == {2: 2}, "all goes well, the first letter comes first, and then it goes wrong"


def test_what_is_left_can_be_run_again() -> None:
    toy = Toy("twice", "lost")
    small = shrink(toy, first_failure(toy))
    again = simulate(toy, seed=small.seed, trace=small.deviations)
    assert (again.failure, again.digest) == (small.failure, small.digest)


def test_the_number_of_runs_is_kept_to() -> None:
    toy = Toy("lost", "twice", "late")
    found = first_failure(toy)
    assert shrink(toy, found, runs_max=0) is found


def test_a_run_that_kept_every_law_cannot_be_made_small() -> None:
    toy = Toy("late")
    with pytest.raises(ValueError, match="nothing to shrink"):
        shrink(toy, simulate(toy, trace={}))
