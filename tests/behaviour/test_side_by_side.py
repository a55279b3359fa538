"""Actions side by side: which start together, what a policy holds back, what a stop answers."""

from refold.actors.session.due import Execute, due
from refold.eventlog.events import ObservationRecorded
from refold.eventlog.observations import Cancelled
from tests.behaviour.scenes import RUN, Call, Scene

LOOK: Call = ("str_replace_editor", {"command": "view", "path": "a"})


def started(scene: Scene) -> list[int]:
    """Return the places, among the open actions, of those that were started."""
    return [index for index, opened in enumerate(scene.open) if opened.incarnation is not None]


def test_b17_actions_that_only_look_start_together_and_all_others_alone_in_their_order() -> None:
    scene = Scene().acting(LOOK, LOOK, RUN, LOOK, parallel_max=3)
    assert started(scene) == [0, 1]
    second = scene.open[1].version
    assert started(scene.observe(second)) == [0]
    assert started(scene.observe()) == [0]
    assert [opened.kind for opened in scene.open] == ["run", "read"]
    assert started(scene.observe()) == [0]
    assert scene.observe().open == ()


def test_b17_no_more_run_side_by_side_than_may() -> None:
    scene = Scene().acting(*[LOOK] * 5, parallel_max=2)
    assert started(scene) == [0, 1]
    assert started(scene.observe(scene.open[1].version)) == [0, 1]
    assert len(scene.open) == 4
    assert started(Scene().acting(LOOK, LOOK)) == [0]


def test_b44_each_of_several_under_way_is_collected_by_the_next_driver() -> None:
    scene = Scene().acting(LOOK, LOOK, parallel_max=2).claim().connect("r2")
    assert [effect.action for effect in due(scene.state) if isinstance(effect, Execute)] == [
        opened.version for opened in scene.open
    ]


def test_b26_a_stop_answers_all_that_is_under_way() -> None:
    scene = Scene().acting(LOOK, LOOK, RUN, parallel_max=2).stop()
    answers = [each.observation for each in scene.of(ObservationRecorded)]
    assert [isinstance(answer, Cancelled) for answer in answers] == [True] * 3
    assert scene.open == ()


def test_b25_a_pause_lets_nothing_more_start_beside_what_is_under_way() -> None:
    scene = Scene().acting(*[LOOK] * 3, parallel_max=2).pause()
    scene.observe()
    assert started(scene) == [0]
    assert started(scene.resume()) == [0, 1]


def test_b32_what_looks_waits_for_its_approval_too() -> None:
    scene = Scene().acting(LOOK, LOOK, parallel_max=2, confirm="always")
    assert started(scene) == []
    assert scene.agent == "awaiting_user_confirmation"
    assert started(scene.confirm()) == [0, 1]


def test_b32_a_policy_that_is_set_meanwhile_holds_back_what_has_not_started() -> None:
    scene = Scene().acting(*[LOOK] * 3, parallel_max=2).change(confirm="always")
    scene.observe()
    assert started(scene) == [0]
    scene.observe()
    assert scene.agent == "awaiting_user_confirmation"
