"""Rules 27, 28 and 30: limits, and faults that pass."""

import pytest

from refold.actors.models.retry import delay_s
from refold.actors.session.commands import FireTimer
from refold.eventlog.actions import Run
from refold.eventlog.events import (
    AgentStateChanged,
    LimitsExtended,
    ModelAsked,
    ModelFailed,
)
from tests.behaviour.scenes import (
    AT,
    FINISH,
    THINK,
    PrepareAsk,
    Recall,
    Scene,
    SetTimer,
    rate_limited,
)


def test_b27_n_iterations_are_n_steps_and_then_error() -> None:
    scene = Scene().running(iterations_max=3)
    for _ in range(3):
        scene.step("", THINK)
    assert scene.agent == "error"
    assert "3 iterations (max_iterations)" in scene.reason()
    assert len(scene.of(ModelAsked)) == 3


def test_b27_the_last_step_may_finish_or_speak() -> None:
    assert Scene().running(iterations_max=1).step("", FINISH).agent == "finished"
    assert Scene().running(iterations_max=1).step("hello").agent == "awaiting_user_input"


def test_b27_a_message_extends_by_n() -> None:
    scene = Scene().running(iterations_max=2).step("", THINK).step("", THINK)
    scene.say().recall().step("", THINK).step("", THINK)
    assert scene.agent == "error"
    assert scene.state.agent.iterations == 4


def test_b27_a_message_before_the_limit_extends_nothing() -> None:
    scene = Scene().running(iterations_max=2).step("hello").say().recall()
    assert scene.step("", THINK).agent == "error"
    assert scene.of(LimitsExtended) == []


def test_b27_a_message_during_the_last_step_is_heard() -> None:
    scene = Scene().running(iterations_max=1).ask().say("more").recall().hear("", THINK)
    assert scene.owes(PrepareAsk)


def test_b27_continue_extends_by_n_or_by_what_it_says() -> None:
    scene = Scene().running(iterations_max=1).step("", THINK)
    assert scene.go_on().owes(PrepareAsk)
    assert scene.step("", THINK).agent == "error"
    scene.go_on(iterations=2).step("", THINK)
    assert scene.step("", THINK).agent == "error"
    assert len(scene.of(ModelAsked)) == 4


def test_b27_retries_of_one_step_count_once() -> None:
    scene = Scene().running(iterations_max=1).ask().fail().fire().ask().fail().fire().ask()
    assert scene.state.agent.iterations == 1
    assert scene.hear("", THINK).agent == "error"


def test_b27_a_step_that_failed_for_good_counts() -> None:
    scene = Scene().running(iterations_max=1).ask().fail("authentication")
    assert scene.go_on(iterations=1).owes(PrepareAsk)
    assert scene.ask().state.agent.iterations == 2


def test_b27_re_enacted_steps_count() -> None:
    scene = Scene().start(task=None, reenacts="r", iterations_max=2).connect()
    scene.reenact(0, message="hi").recall()
    scene.reenact(1, action=_run()).observe().reenact(2, action=_run()).observe().end_recording(9)
    assert scene.agent == "error"
    assert scene.state.agent.iterations == 2


def _run() -> Run:
    return Run(command="ls")


def test_b28_the_budget_is_checked_before_each_call() -> None:
    scene = Scene().running(budget_usd=1.0).step("", THINK, cost=0.5).step("", THINK, cost=0.6)
    assert scene.agent == "error"
    assert "budget" in scene.reason()
    assert len(scene.of(ModelAsked)) == 2


def test_b28_continue_extends_the_budget_and_a_message_does_not() -> None:
    scene = Scene().running(budget_usd=1.0).step("", THINK, cost=1.0)
    assert scene.say().recall().agent == "error"
    assert scene.go_on().owes(PrepareAsk)
    assert scene.step("", THINK, cost=0.9).agent == "running"
    assert scene.step("", THINK, cost=0.2).agent == "error"
    assert scene.go_on(budget_usd=5.0).step("", THINK, cost=4.0).agent == "running"


def test_b28_an_abandoned_ask_counts_at_its_estimate() -> None:
    scene = Scene().running(budget_usd=1.0).ask(cost=1.0).claim()
    assert scene.agent == "error"
    assert "budget" in scene.reason()


def test_b28_the_budget_is_checked_before_a_retry_too() -> None:
    scene = Scene().running(budget_usd=1.0).ask(cost=0.6).claim().ask(cost=0.6).claim()
    assert scene.agent == "error"


def test_b28_limits_survive_a_restart_exactly() -> None:
    scene = Scene().running(iterations_max=2, budget_usd=9.0).step("", THINK, cost=4.0).close().claim()
    assert scene.step("", THINK, cost=4.0).agent == "error"
    assert "iterations" in scene.reason()


def test_b28_limits_given_on_resume_override_and_are_facts() -> None:
    scene = Scene().running(iterations_max=2).step("", THINK).close().claim()
    scene.change(iterations_max=3)
    assert scene.last[0].iterations_max == 3  # type: ignore[union-attr]
    assert scene.step("", THINK).agent == "running"
    assert scene.step("", THINK).agent == "error"


def test_b30_a_passing_fault_is_retried_after_a_while_by_itself() -> None:
    scene = Scene().running().ask().fail("rate_limit", retry_after_s=7.0)
    assert scene.agent == "rate_limited"
    assert scene.owes(SetTimer)
    retry_at = scene.state.agent.retry_at
    assert retry_at is not None
    assert AT + 7e9 <= retry_at <= AT + 8e9
    assert scene.fire().owes(PrepareAsk)


@pytest.mark.parametrize(
    "fault", ["authentication", "credit", "content_policy", "not_found", "script_exhausted"]
)
def test_b30_a_fault_that_stays_is_not_retried(fault: str) -> None:
    scene = Scene().running().ask().fail(fault)  # type: ignore[arg-type]
    assert scene.agent == "error"
    assert fault in scene.reason()


def test_b30_retries_are_used_up_and_the_error_names_the_fault() -> None:
    scene = Scene().running(retries_max=2)
    for _ in range(2):
        scene.ask().fail("overloaded").fire()
    scene.ask().fail("overloaded")
    assert scene.agent == "error"
    assert "overloaded" in scene.reason()
    assert len(scene.of(ModelFailed)) == 3


def test_b30_after_the_error_a_message_begins_a_fresh_step_with_all_its_retries() -> None:
    scene = Scene().running(retries_max=0).ask().fail().say().recall().ask()
    assert scene.of(ModelAsked)[-1].attempt == 1
    assert scene.fail().agent == "error"


def test_b30_a_message_while_rate_limited_waits_for_the_retry() -> None:
    scene = rate_limited().say()
    assert scene.agent == "rate_limited"
    assert scene.owes(SetTimer, Recall)
    assert scene.recall().fire().owes(PrepareAsk)


def test_b30_a_timer_that_fires_twice_or_late_changes_nothing() -> None:
    scene = rate_limited()
    timer = scene.state.agent.state_version
    scene.fire().do(_fire(timer))
    assert scene.last == ()


def _fire(timer: int) -> FireTimer:
    return FireTimer(id="again", at=AT, timer=timer)


def test_b27_equal_limits_are_no_fact() -> None:
    assert Scene().running(iterations_max=2).change(iterations_max=2).last == ()


def test_b27_the_first_message_of_a_session_extends_nothing() -> None:
    assert Scene().start(task=None).connect().say().of(LimitsExtended) == []


def test_b30_waits_double_up_to_a_minute_with_the_upper_half_drawn() -> None:
    assert [delay_s(attempt, None, 1.0) for attempt in (1, 2, 3, 7, 8, 100)] == [
        1.0,
        2.0,
        4.0,
        60.0,
        60.0,
        60.0,
    ]
    assert [delay_s(attempt, None, 0.0) for attempt in (1, 2, 7)] == [0.5, 1.0, 30.0]


def test_b30_what_the_provider_asks_for_is_kept_to_and_a_crowd_does_not_come_back_as_one() -> None:
    waits = {delay_s(1, 40.0, draw / 10) for draw in range(11)}
    assert min(waits) == 40.0
    assert max(waits) == 44.0
    assert len(waits) == 11


def test_b30_each_try_is_a_fact_and_the_agent_shows_when_the_next_one_is() -> None:
    scene = Scene().running(retries_max=3)
    until = list[int]()
    for _ in range(3):
        scene.ask().fail("overloaded")
        assert scene.agent == "rate_limited"
        until.append(scene.of(AgentStateChanged)[-1].retry_at or 0)
        assert scene.state.agent.retry_at == until[-1]
        scene.fire()
    assert [asked.attempt for asked in scene.of(ModelAsked)] == [1, 2, 3]
    assert len(scene.of(ModelFailed)) == 3
    assert until[0] - AT < until[1] - AT < until[2] - AT
    assert scene.ask().hear("", FINISH).agent == "finished"


def test_b30_a_stop_or_pause_while_waiting_for_the_next_try_ends_or_holds_it() -> None:
    assert rate_limited().stop().owes()
    paused = rate_limited().pause()
    assert paused.owes()
    assert paused.resume().owes(PrepareAsk)
