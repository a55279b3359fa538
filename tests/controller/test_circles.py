"""Going in circles: what counts as one, and what only looks like it."""

from refold.actors.controller.stuck import pattern
from refold.actors.session.commands import ReportObservation
from refold.eventlog.events import ObservationRecorded, StuckDetected
from refold.eventlog.observations import Failure
from tests.behaviour.scenes import AT, RUN, THINK, Scene

OTHER = ("execute_bash", {"command": "pwd"})


def failing(scene: Scene, *, content: str = "no such file") -> Scene:
    started = scene.state.hands.started
    assert started is not None
    fact = ObservationRecorded(cause=started.version, observation=Failure(content=content))
    return scene.do(ReportObservation(id=f"o{started.version}", at=AT, fact=fact))


def test_four_equal_actions_with_equal_answers_are_a_circle() -> None:
    scene = Scene().running()
    for _ in range(3):
        assert scene.step("", RUN).observe().agent == "running"
    assert scene.step("", RUN).observe().agent == "error"
    assert scene.of(StuckDetected)[0].pattern.startswith("four equal actions")


def test_equal_actions_with_other_answers_are_none() -> None:
    scene = Scene().running()
    for number in range(6):
        scene.step("", RUN).observe(content=f"line {number}")
    assert scene.agent == "running"


def test_answers_that_differ_in_times_and_pids_only_are_equal() -> None:
    scene = Scene().running()
    for number in range(4):
        scene.step("", RUN).observe(content=f"at 2026-01-01 10:00:0{number}, pid {number}")
    assert scene.agent == "error"


def test_three_equal_errors_are_a_circle_and_a_thought_beside_them_changes_nothing() -> None:
    scene = Scene().running()
    for number in range(3):
        failing(scene.step(f"let me see, {number}", RUN), content=f"failed {number}")
    assert scene.agent == "error"
    assert "answered by an error" in scene.reason()


def test_an_alternation_three_times_is_a_circle() -> None:
    scene = Scene().running()
    for _ in range(3):
        scene.step("", RUN).observe()
        scene.step("", OTHER).observe()
    assert scene.agent == "error"
    assert "alternation" in scene.reason()


def test_a_message_of_the_user_breaks_the_circle_and_recovers_from_it() -> None:
    scene = Scene().running()
    for _ in range(4):
        scene.step("", RUN).observe()
    assert scene.agent == "error"
    scene.say("try pwd").recall()
    assert pattern(scene.state.agent) is None
    assert scene.step("", OTHER).observe().agent == "running"


def test_continue_recovers_from_a_circle_too() -> None:
    scene = Scene().running()
    for _ in range(4):
        scene.step("", THINK)
    assert scene.agent == "error"
    assert scene.go_on().agent == "running"


def test_parallel_actions_that_are_equal_once_are_none() -> None:
    scene = Scene().running().step("", RUN, RUN, RUN)
    for _ in range(3):
        scene.observe()
    assert scene.agent == "running"
