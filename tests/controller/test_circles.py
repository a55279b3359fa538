"""Rule 29: going in circles, what counts as one, and what only looks like it."""

from refold.actors.controller.stuck import acted, pattern
from refold.actors.session.commands import ReportObservation
from refold.eventlog.actions import Message
from refold.eventlog.events import ActionProposed, ModelAsked, ObservationRecorded, StuckDetected
from refold.eventlog.observations import Failure
from tests.behaviour.scenes import AT, RUN, THINK, Scene

OTHER = ("execute_bash", {"command": "pwd"})


def failing(scene: Scene, *, content: str = "no such file") -> Scene:
    started = scene.state.hands.started
    assert started is not None
    fact = ObservationRecorded(cause=started.version, observation=Failure(content=content))
    return scene.do(ReportObservation(id=f"o{started.version}", at=AT, fact=fact))


def test_b29_four_equal_actions_with_equal_answers_are_a_circle() -> None:
    scene = Scene().running()
    for _ in range(3):
        assert scene.step("", RUN).observe().agent == "running"
    assert scene.step("", RUN).observe().agent == "error"
    assert scene.of(StuckDetected)[0].pattern.startswith("four equal actions")


def test_b29_equal_actions_with_other_answers_are_none() -> None:
    scene = Scene().running()
    for number in range(6):
        scene.step("", RUN).observe(content=f"line {number}")
    assert scene.agent == "running"


def test_b29_answers_that_differ_in_times_and_pids_only_are_equal() -> None:
    scene = Scene().running()
    for number in range(4):
        scene.step("", RUN).observe(content=f"at 2026-01-01 10:00:0{number}, pid {number}")
    assert scene.agent == "error"


def test_b29_three_equal_errors_are_a_circle_and_a_thought_beside_them_changes_nothing() -> None:
    scene = Scene().running()
    for number in range(3):
        failing(scene.step(f"let me see, {number}", RUN), content=f"failed {number}")
    assert scene.agent == "error"
    assert "answered by an error" in scene.reason()


def test_b29_an_alternation_three_times_is_a_circle() -> None:
    scene = Scene().running()
    for _ in range(3):
        scene.step("", RUN).observe()
        scene.step("", OTHER).observe()
    assert scene.agent == "error"
    assert "alternation" in scene.reason()


def test_b29_a_message_of_the_user_breaks_the_circle_and_recovers_from_it() -> None:
    scene = Scene().running()
    for _ in range(4):
        scene.step("", RUN).observe()
    assert scene.agent == "error"
    scene.say("try pwd").recall()
    assert pattern(scene.state.agent.turns) is None
    assert scene.step("", OTHER).observe().agent == "running"


def test_b29_continue_recovers_from_a_circle_too() -> None:
    scene = Scene().running()
    for _ in range(4):
        scene.step("", THINK)
    assert scene.agent == "error"
    assert scene.go_on().agent == "running"


def test_b29_parallel_actions_that_are_equal_once_are_none() -> None:
    scene = Scene().running().step("", RUN, RUN, RUN)
    for _ in range(3):
        scene.observe()
    assert scene.agent == "running"


def test_b29_three_equal_messages_of_the_agent_are_a_circle() -> None:
    turns = Scene().running().state.agent.turns
    for version in range(3):
        assert pattern(turns) is None
        turns = acted(turns, ActionProposed(action=Message(content="still at it", waits=False)), version)
    assert pattern(turns) == "three equal messages in a row"
    other = acted(turns, ActionProposed(action=Message(content="done now", waits=False)), 3)
    assert pattern(other) is None


def test_b29_two_errors_or_three_that_are_no_errors_are_no_circle() -> None:
    scene = Scene().running()
    failing(scene.step("", RUN), content="failed 1")
    failing(scene.step("", RUN), content="failed 2")
    scene.step("", RUN).observe(content="now it went well")
    assert scene.agent == "running"


def test_b29_an_alternation_that_is_cut_short_is_no_circle() -> None:
    scene = Scene().running()
    for _ in range(2):
        scene.step("", RUN).observe()
        scene.step("", OTHER).observe()
    assert scene.step("", RUN).observe().agent == "running"


def test_b29_waiting_on_a_long_command_is_not_a_circle() -> None:
    scene = Scene().running().step("", RUN).observe(content="")
    for _ in range(8):
        scene.step("", ("execute_bash", {"command": "", "is_input": True})).observe(content="")
    assert scene.agent == "running"


def test_b29_the_pattern_is_a_fact_before_the_error_and_no_model_is_asked_again() -> None:
    scene = Scene().running()
    for _ in range(4):
        scene.step("", RUN).observe()
    assert scene.types()[-2:] == ["StuckDetected", "AgentStateChanged"]
    assert len(scene.of(ModelAsked)) == 4
    assert scene.owes()


def test_b29_what_a_thought_says_beside_a_call_does_not_hide_a_circle() -> None:
    scene = Scene().running()
    for number in range(4):
        scene.step(f"attempt {number}", RUN).observe()
    assert scene.agent == "error"
