"""A course says a run by names: followed, it is the same run, and without a part the rest stays as it was."""

from refold.actors.dispatch.choosers import Replay
from refold.testing.courses import Course, Noted, Overhearing, Reader, Steered
from refold.testing.scenarios import SCENARIOS
from refold.testing.simulation import Scenario, Simulated, simulate

STEERING = SCENARIOS["steering"]


def course_of(scenario: Scenario, run: Simulated) -> Course:
    noted = Noted(Replay(run.trace))
    simulate(Overhearing(scenario, noted), seed=run.seed, chooser=noted)
    return noted.course


def follow(scenario: Scenario, course: Course, seed: int) -> Simulated:
    steered = Steered(course)
    return simulate(Overhearing(scenario, steered), seed=seed, chooser=steered)


def test_who_follows_the_course_of_a_run_runs_the_same() -> None:
    for seed in range(60):
        run = simulate(STEERING, seed=seed)
        assert follow(STEERING, course_of(STEERING, run), seed).digest == run.digest, run.line


def test_the_plain_course_is_empty() -> None:
    plain = simulate(STEERING, seed=3, trace={})
    assert course_of(STEERING, plain) == Course({}, {})
    assert follow(STEERING, Course({}, {}), 3).digest == plain.digest


def test_parts_are_taken_out_of_a_course_in_the_order_of_their_time() -> None:
    first, second, third = ("a", "b", 1), ("a", "b", 2), ("c", "d", 1)
    course = Course({first: third, second: third}, {(third, 1): 2, (None, 4): 1})
    assert course.size == 4
    assert course.without(1, 3) == Course({first: third}, {(None, 4): 1})
    assert course.without(2, 4) == Course({first: third, second: third}, {})
    assert course.without(0, 2) == Course({}, {(third, 1): 2, (None, 4): 1})


def test_a_letter_is_known_by_its_channel_and_number_and_a_fault_is_none() -> None:
    reader = Reader()
    assert reader.moment() == (None, 1)
    reader.story.add(0, "a", "b", "hello")
    reader.story.strike(0, "b", "crashes")
    reader.read()
    assert (reader.moment(), reader.moment()) == ((("a", "b", 1), 1), (("a", "b", 1), 2))
    assert reader.next_of(("a", "b")) == ("a", "b", 2)
    assert reader.delivered == {("a", "b", 1)}


def test_a_letter_is_held_until_the_one_that_it_waits_for() -> None:
    plain = simulate(STEERING, seed=3, trace={}, story=True)
    session, controller = (
        ("session/session", "session/controller", 1),
        ("session/memory", "session/session", 1),
    )
    held = follow(STEERING, Course({session: controller}, {}), 3)
    assert held.digest != plain.digest
    assert held.failure is None
