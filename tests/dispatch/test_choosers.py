"""Choosers: what each finds, and that what they decide can be written down and read back."""

from collections import Counter
from itertools import pairwise

from refold.actors.dispatch.choosers import (
    ClusteredTrouble,
    Occasion,
    Planned,
    PlannedTrouble,
    PriorityOrder,
    RandomChooser,
    RandomTrouble,
    Replay,
    ShakenOrder,
    SwarmChooser,
    Way,
    part_of,
)

WAYS: tuple[Way, ...] = (("a", "x"), ("b", "x"), ("c", "x"))
OCCASIONS: tuple[Occasion, ...] = ("touch", "point", "step")


class StubbornOrder(PriorityOrder):
    """Changes its mind never."""

    CHANGES_MAX = 0


class FickleOrder(PriorityOrder):
    """Changes its mind up to three times, at once."""

    DELIVERIES = 4


def test_a_channel_of_low_priority_waits_until_nothing_else_is_left() -> None:
    for seed in range(20):
        order = StubbornOrder(seed)
        first = order.choose(3, WAYS)
        assert all(order.choose(3, WAYS) == first for _ in range(50))
        assert order.choose(1, (WAYS[first - 1],)) == 0


def test_a_change_of_priority_puts_the_first_channel_last_for_good() -> None:
    changed = 0
    for seed in range(50):
        order = FickleOrder(seed)
        first = order.choose(3, WAYS)
        later = [order.choose(3, WAYS) for _ in range(50)][10:]
        changed += first not in later
        assert len(set(later)) == 1
    assert changed > 20


def test_planned_trouble_falls_late_as_often_as_early() -> None:
    places: Counter[str] = Counter()
    for seed in range(2000):
        trouble = PlannedTrouble(seed)
        for occasion in OCCASIONS:
            for number in range(PlannedTrouble.OCCASIONS[occasion]):
                if trouble.trouble(4, occasion):
                    half = "late" if number >= PlannedTrouble.OCCASIONS[occasion] // 2 else "early"
                    places[f"{occasion} {half}"] += 1
    for occasion in OCCASIONS:
        share = places[f"{occasion} late"] / places[f"{occasion} early"]
        assert 0.4 < share < 1.0, places


def test_trouble_that_comes_in_clusters_comes_again_soon() -> None:
    for seed in range(200):
        trouble = ClusteredTrouble(seed)
        struck = [number for number in range(300) if trouble.trouble(2, "point")]
        assert all(later - one <= ClusteredTrouble.CLOSE for one, later in pairwise((*struck, 300)) if struck)


def test_a_disk_that_is_slow_is_slow_each_time() -> None:
    assert part_of(("*work", "disk/7")) == part_of(("*work", "disk/8"))
    assert part_of(("*work disk/7", "s/session")) == part_of(("*work disk/8", "s/session"))
    assert part_of(("a/1", "b/1")) != part_of(("a/2", "b/1"))
    slow = 0
    for seed in range(100):
        order = ShakenOrder(seed, RandomTrouble(seed, 0.0))
        choices = [order.choose(2, (("a", "x"), ("*work", f"disk/{number}"))) for number in range(20)]
        assert len(set(choices)) == 1
        slow += choices[0] == 0
    assert 30 < slow < 70


def test_what_goes_wrong_upsets_the_order_for_a_while() -> None:
    upset = 0
    for seed in range(100):
        trouble = RandomTrouble(seed, 1.0)
        order = ShakenOrder(seed, trouble)
        before = [order.choose(3, WAYS) for _ in range(20)]
        assert len(set(before)) == 1
        trouble.trouble(1, "point")
        upset += len({order.choose(3, WAYS) for _ in range(ShakenOrder.SHAKEN)}) > 1
        after = [order.choose(3, WAYS) for _ in range(20)]
        assert len(set(after)) == 1
    assert upset > 80


def test_a_seed_means_the_same_swarm_wherever_it_runs() -> None:
    def decisions(seed: int) -> list[int]:
        chooser = SwarmChooser(seed)
        return [
            decision for _ in range(100) for decision in (chooser.trouble(3, "step"), chooser.choose(3, WAYS))
        ]

    assert all(decisions(seed) == decisions(seed) for seed in range(50))
    assert len({tuple(decisions(seed)) for seed in range(50)}) > 30  # Of three ways there are few priorities.


def test_a_plan_demotes_a_channel_once_and_for_all() -> None:
    plan = Planned(demotions=[(1, 0)], faults=[(2, 1)])
    assert [plan.choose(3, WAYS) for _ in range(4)] == [0, 1, 1, 1]
    assert plan.choose(1, (WAYS[0],)) == 0
    assert [plan.trouble(2, "point") for _ in range(4)] == [0, 0, 2, 0]
    assert repr(plan) == "Planned(demotions=[(1, 0)], faults=[(2, 1)])"


def test_a_replay_ends_in_the_plain_course() -> None:
    replay = Replay({1: 2, 3: 9})
    assert [replay.choose(3, WAYS), replay.choose(3, WAYS), replay.trouble(3, "step")] == [0, 2, 0]
    assert replay.trouble(3, "step") == 9 % 4
    assert [replay.choose(3, WAYS) for _ in range(5)] == [0] * 5


def test_a_random_chooser_goes_every_way() -> None:
    chooser = RandomChooser(3, fault_rate=0.5)
    assert {chooser.choose(3) for _ in range(100)} == {0, 1, 2}
    assert {chooser.trouble(2, "point") for _ in range(100)} == {0, 1, 2}
