"""Rules 15 to 23: what a step is, and that each action is answered exactly once."""

import pytest

from refold.actors.controller.stuck import pattern
from refold.eventlog.actions import Reject
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    CallRefused,
    LateResultRecorded,
    ModelAnswered,
    ObservationRecorded,
)
from refold.eventlog.observations import Cancelled, Finished, OutcomeUnknown, Thought
from tests.behaviour.scenes import (
    EDIT,
    FINISH,
    NO_TOOL,
    REJECT,
    RUN,
    THINK,
    Call,
    Execute,
    PrepareAsk,
    Recall,
    Scene,
)


def test_b15_a_step_waits_until_memory_has_seen_the_message() -> None:
    scene = Scene().start().connect()
    assert scene.owes(Recall)
    assert scene.recall().owes(PrepareAsk)


def test_b15_a_step_waits_until_every_action_is_answered() -> None:
    scene = Scene().acting(RUN, RUN)
    assert scene.owes(Execute)
    assert scene.observe().owes(Execute)
    assert scene.observe().owes(PrepareAsk)


def test_b15_nothing_is_asked_while_the_agent_does_not_run() -> None:
    scene = Scene().running().pause()
    assert scene.owes()


def test_b16_every_action_gets_one_observation_with_its_cause_and_call() -> None:
    scene = Scene().acting(RUN, THINK).observe()
    proposed = {
        version: event.tool_call_id
        for version, event in enumerate(scene.session.events)
        if isinstance(event, ActionProposed)
    }
    observed = {event.cause: event.tool_call_id for event in scene.of(ObservationRecorded)}
    assert observed.keys() == proposed.keys()
    think = max(proposed)
    assert observed[think] == proposed[think] == "call_1"


@pytest.mark.parametrize("end", ["stop", "close", "lost", "unconnected"])
def test_b16_an_action_that_ends_otherwise_is_answered_once_and_its_result_comes_late(end: str) -> None:
    scene = Scene().acting(RUN)
    action = scene.open[0].version
    match end:
        case "stop":
            scene.stop()
        case "close":
            scene.close()
            scene.claim()
        case "lost":
            for number in range(2, 5):
                scene.lose()
                if scene.agent == "running":
                    scene.connect(f"r{number}")
        case _:
            scene.lose().unconnected()
    assert len(scene.answers(action)) == 1
    assert not scene.open
    scene.observe(action)
    assert [type(event) for event in scene.last] == [LateResultRecorded]
    assert len(scene.answers(action)) == 1


def test_b16_plain_text_needs_no_observation() -> None:
    scene = Scene().running().step("hello")
    assert scene.of(ObservationRecorded) == []
    assert scene.agent == "awaiting_user_input"


def test_b17_parallel_calls_are_recorded_at_once_and_carried_out_in_order() -> None:
    scene = Scene().running().ask().hear("", RUN, EDIT, RUN)
    assert [type(event) for event in scene.last] == [ModelAnswered, *[ActionProposed] * 3, ActionStarted]
    first, second, third = [opened.version for opened in scene.open]
    started: list[int | None] = []
    for _ in range(3):
        started.append(scene.of(ActionStarted)[-1].cause)
        scene.observe()
    assert started == [first, second, third]


@pytest.mark.parametrize("done", [0, 1, 2])
def test_b17_a_driver_killed_between_parallel_calls_loses_none_of_them(done: int) -> None:
    scene = Scene().running().ask().hear("", RUN, EDIT, RUN)
    calls = [opened.version for opened in scene.open]
    for _ in range(done):
        scene.observe()
    scene.claim().connect()
    assert [opened.version for opened in scene.open] == calls[done:]
    for _ in calls[done:]:
        assert scene.owes(Execute)
        scene.observe()
    assert [event.cause for event in scene.of(ActionStarted)] == calls
    assert [len(scene.answers(call)) for call in calls] == [1, 1, 1]
    assert scene.owes(PrepareAsk)


def test_b17_refused_calls_among_valid_ones_are_told_and_the_valid_ones_are_carried_out() -> None:
    scene = Scene().running().ask().hear("", NO_TOOL, RUN, ("execute_bash", {}))
    assert [event.tool_call_id for event in scene.of(CallRefused)] == ["call_0", "call_2"]
    assert [opened.tool_call_id for opened in scene.open] == ["call_1"]
    assert scene.observe().owes(PrepareAsk)
    assert scene.state.agent.repairs == 0


def test_b18_a_message_while_an_action_runs_is_recorded_at_once_and_does_not_interrupt() -> None:
    scene = Scene().acting(RUN).say("hurry")
    assert "MessageReceived" in {type(event).__name__ for event in scene.last}
    assert scene.owes(Execute, Recall)
    assert scene.recall().observe().owes(PrepareAsk)


def test_b18_a_message_between_parallel_actions_lets_all_of_them_be_answered_first() -> None:
    scene = Scene().acting(RUN, RUN).say("hurry").recall().observe()
    assert scene.owes(Execute)
    assert scene.observe().owes(PrepareAsk)


@pytest.mark.parametrize("call", [FINISH, None])
def test_b18_a_message_during_the_ask_is_heard_before_the_agent_rests(
    call: Call | None,
) -> None:
    scene = Scene().running().ask().say("one more thing").recall()
    scene.hear("bye" if call is None else "", *(() if call is None else (call,)))
    assert scene.agent == "running"
    assert scene.owes(PrepareAsk)
    assert scene.step("", FINISH).agent == "finished"


def test_b18_a_message_whose_recall_comes_after_the_answer_is_heard_before_the_agent_rests() -> None:
    scene = Scene().running().ask().say("one more thing").hear("", FINISH)
    assert scene.owes(Recall)
    assert scene.recall().owes(PrepareAsk)


def test_b18_finish_beside_an_action_that_runs_hears_a_message_of_that_time() -> None:
    scene = Scene().acting(RUN, FINISH).say("wait").recall().observe()
    assert scene.agent == "running"
    assert scene.owes(PrepareAsk)


def test_b19_a_message_instead_of_a_confirmation_answers_the_actions_and_goes_on() -> None:
    scene = Scene().running(confirm="always").step("", RUN, EDIT)
    one, other = [opened.version for opened in scene.open]
    scene.say("no, rather this").recall()
    for version in (one, other):
        (answer,) = scene.answers(version)
        assert isinstance(answer, Cancelled)
        assert answer.reason == "user_wrote"
    assert scene.of(ActionStarted) == []
    assert scene.owes(PrepareAsk)


def test_b20_plain_text_awaits_input_and_a_message_goes_on() -> None:
    scene = Scene().running().step("what now?")
    assert scene.agent == "awaiting_user_input"
    assert scene.say().recall().owes(PrepareAsk)


def test_b20_finish_is_finished_and_a_message_goes_on() -> None:
    scene = Scene().running().step("", FINISH)
    assert scene.agent == "finished"
    assert isinstance(scene.of(ObservationRecorded)[-1].observation, Finished)
    assert scene.say().recall().owes(PrepareAsk)


def test_b20_reject_is_rejected_and_a_message_goes_on() -> None:
    scene = Scene().running().step("", REJECT)
    assert scene.agent == "rejected"
    assert scene.of(ActionProposed)[0].action == Reject(message="not mine to do")
    assert isinstance(scene.of(ObservationRecorded)[-1].observation, Finished)
    assert scene.owes()
    assert scene.say().recall().owes(PrepareAsk)
    assert scene.step("", FINISH).agent == "finished"


def test_b20_reject_among_parallel_calls_rejects_after_all_of_them() -> None:
    assert Scene().acting(REJECT, RUN).observe().agent == "rejected"


def test_b20_the_last_word_of_an_answer_counts() -> None:
    assert Scene().running().step("", REJECT, FINISH).agent == "finished"
    assert Scene().running().step("", FINISH, REJECT).agent == "rejected"


def test_b20_finish_among_parallel_calls_finishes_after_all_of_them() -> None:
    scene = Scene().acting(FINISH, RUN)
    assert scene.agent == "running"
    assert scene.observe().agent == "finished"


def test_b21_malformed_output_costs_an_iteration_and_is_asked_again() -> None:
    scene = Scene().running().step("", NO_TOOL)
    assert len(scene.of(CallRefused)) == 1
    assert scene.of(ActionProposed) == []
    assert scene.state.agent.iterations == 1
    assert scene.owes(PrepareAsk)


def test_b21_an_empty_answer_is_refused_too() -> None:
    (refused,) = Scene().running().step("").of(CallRefused)
    assert refused.tool_call_id is None


def test_b21_too_many_repairs_in_a_row_end_in_error_and_a_message_or_continue_recovers() -> None:
    scene = Scene().running(repairs_max=2)
    for _ in range(2):
        assert scene.step("", NO_TOOL).agent == "running"
    assert scene.step("", NO_TOOL).agent == "error"
    assert "no valid action" in scene.reason()
    assert Scene.go_on(scene).owes(PrepareAsk)
    for _ in range(3):
        scene.step("", NO_TOOL)
    assert scene.agent == "error"
    assert scene.say().recall().owes(PrepareAsk)


def test_b21_a_valid_action_between_makes_the_repairs_count_afresh() -> None:
    scene = Scene().running(repairs_max=1)
    for _ in range(3):
        scene.step("", NO_TOOL).step("", THINK)
    assert scene.agent == "running"


def test_b22_a_failed_launch_in_the_middle_answers_what_is_open_and_a_message_goes_on() -> None:
    scene = Scene().acting(RUN, EDIT).lose().unconnected("no sandbox works")
    assert scene.agent == "error"
    assert scene.reason() == "no sandbox works"
    running, waiting = [event.observation for event in scene.of(ObservationRecorded)]
    assert isinstance(running, OutcomeUnknown)
    assert isinstance(waiting, Cancelled)
    scene.say().recall().connect("r2")
    assert scene.owes(PrepareAsk)


def test_b22_a_failed_launch_during_an_ask_gives_the_ask_up() -> None:
    scene = Scene().running().ask(0.25).claim().ask(0.25).unconnected()
    assert scene.agent == "error"
    assert scene.state.agent.ask is None
    assert scene.state.agent.cost_usd == 0.5


def test_b23_waiting_on_a_long_command_is_not_going_in_circles() -> None:
    scene = Scene().running()
    for _ in range(6):
        scene.step("", ("execute_bash", {"command": "", "is_input": True})).observe(content="still running")
    assert pattern(scene.state.agent.turns) is None
    assert scene.owes(PrepareAsk)


def test_an_answer_that_nobody_waits_for_is_kept_and_not_acted_on() -> None:
    scene = Scene().running().ask()
    ask = scene.state.version
    scene.claim().hear("", RUN, ask=ask)
    assert scene.types()[-1] == "LateAnswerRecorded"
    assert not scene.open
    scene.ask().hear("", THINK)
    assert isinstance(scene.of(ObservationRecorded)[-1].observation, Thought)
