"""Rules 24 to 30: states, pausing, stopping, limits, and faults that pass."""

from collections.abc import Callable
from typing import get_args

import pytest

from refold.actors.controller.transitions import ENDED, RESTING, TRANSITIONS, allowed
from refold.actors.session.commands import FireTimer, PauseAgent, SendMessage, StopAgent
from refold.eventlog.actions import Run
from refold.eventlog.events import (
    ActionStarted,
    AgentState,
    AgentStateChanged,
    AskAbandoned,
    LateAnswerRecorded,
    LimitsExtended,
    MessageReceived,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    SystemMessageAdded,
)
from refold.eventlog.observations import Cancelled
from tests.behaviour.scenes import (
    AT,
    EDIT,
    FINISH,
    RUN,
    THINK,
    Connect,
    Execute,
    PrepareAsk,
    Recall,
    Scene,
    SetTimer,
)

STATES: tuple[AgentState, ...] = get_args(AgentState.__value__)


def _rate_limited() -> Scene:
    return Scene().running().ask().fail()


PLACES: dict[str, Callable[[], Scene]] = {
    "loading": lambda: Scene().start(),
    "loading, connected without a greeting": lambda: Scene().start().pause().connect().resume(),
    "recalling": lambda: Scene().start().connect(),
    "to ask": lambda: Scene().running(),
    "asking": lambda: Scene().running().ask(),
    "acting": lambda: Scene().acting(RUN, EDIT),
    "awaiting input": lambda: Scene().running().step("what?"),
    "awaiting input without a task": lambda: Scene().start(task=None).connect(),
    "awaiting confirmation": lambda: Scene().running(confirm="always").step("", RUN, EDIT),
    "paused while loading": lambda: Scene().start().pause(),
    "paused before an ask": lambda: Scene().running().pause(),
    "paused while asking": lambda: Scene().running().ask().pause(),
    "paused while acting": lambda: Scene().acting(RUN, EDIT).pause(),
    "paused while awaiting confirmation": lambda: Scene().running(confirm="always").step("", RUN).pause(),
    "paused while rate limited": lambda: _rate_limited().pause(),
    "rate limited": _rate_limited,
    "stopped": lambda: Scene().acting(RUN).stop(),
    "stopped while loading": lambda: Scene().start().stop(),
    "finished": lambda: Scene().running().step("", FINISH),
    "error": lambda: Scene().running().ask().fail("authentication"),
    "error while loading": lambda: Scene().start().unconnected(),
    "re-enacting": lambda: Scene().start(task=None, model=None, reenacts="r").connect(),
}
places = pytest.mark.parametrize("place", PLACES)


def carry_on(scene: Scene) -> Scene:
    """Have the world do whatever is due, until the session rests; the model only ever finishes."""
    for number in range(60):
        if scene.owes():
            return scene
        state = scene.state
        if scene.state.recall.waiting and scene.agent not in RESTING:
            scene.recall()
        elif state.agent.ask is not None:
            scene.hear("", FINISH)
        elif state.hands.incarnation is None and (
            state.hands.started or scene.agent in {"loading", "running"}
        ):
            scene.connect(f"new{number}")
        elif state.hands.started is not None:
            scene.observe()
        elif scene.agent == "rate_limited":
            scene.fire()
        elif state.agent.reenacting:
            scene.end_recording(1)
        else:
            scene.ask()
    raise AssertionError(f"no rest: {scene.types()[-20:]}")


@places
def test_b24_from_everywhere_the_world_alone_brings_the_session_to_rest(place: str) -> None:
    assert carry_on(PLACES[place]()).agent in RESTING


def test_b24_the_table_names_every_state_and_only_these() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert {after for targets in TRANSITIONS.values() for after in targets} <= set(STATES)


@pytest.mark.parametrize("before", STATES)
def test_b24_every_state_can_be_left_and_none_leads_to_itself(before: AgentState) -> None:
    assert TRANSITIONS[before]
    assert not allowed(before, before)


def test_b24_an_end_is_left_only_to_go_on_or_to_another_end() -> None:
    for state in ENDED:
        assert TRANSITIONS[state] <= {"loading", "running", "error", "stopped"}


def test_b24_what_the_table_does_not_hold_is_refused() -> None:
    scene = Scene().running().step("", FINISH)
    scene.refuses(PauseAgent(id="x", at=AT), "cannot pause: the agent is finished")
    scene.refuses(StopAgent(id="y", at=AT), "cannot stop: the agent is finished")


@places
def test_b25_a_pause_stops_before_the_next_step_and_resume_never_leaves_it_idle(place: str) -> None:
    scene = PLACES[place]()
    if scene.agent != "paused":
        if not allowed(scene.agent, "paused"):
            scene.refuses(PauseAgent(id="x", at=AT), "cannot pause")
            return
        scene.pause()
    steps = len(scene.of(ModelAsked))
    started = len(scene.of(ActionStarted))
    if scene.state.agent.ask is not None:
        scene.hear("", RUN)
    while scene.state.hands.started is not None:
        if scene.state.hands.incarnation is None:
            scene.connect("again")
        scene.observe()
    assert scene.agent == "paused"
    assert scene.owes()
    assert len(scene.of(ModelAsked)) == steps
    assert len(scene.of(ActionStarted)) == started
    scene.resume()
    assert scene.agent != "paused"
    assert carry_on(scene).agent in RESTING


def test_b25_a_pause_while_loading_goes_on_loading() -> None:
    scene = Scene().start().pause().connect()
    assert scene.agent == "paused"
    assert scene.of(SystemMessageAdded) == []
    scene.resume()
    assert scene.types()[-4:] == [
        "AgentStateChanged",
        "SystemMessageAdded",
        "AgentStateChanged",
        "MessageReceived",
    ]


def test_b25_a_launch_that_failed_during_a_pause_is_tried_again() -> None:
    scene = Scene().start().pause().unconnected().resume()
    assert scene.owes(Connect)


def test_b25_resume_with_nothing_to_do_awaits_input() -> None:
    scene = Scene().running().ask().pause().hear("what now?")
    assert scene.agent == "paused"
    assert scene.resume().agent == "awaiting_user_input"


def test_b25_an_answer_during_a_pause_starts_nothing() -> None:
    scene = Scene().running().ask().pause().hear("", RUN)
    assert scene.of(ActionStarted) == []
    assert scene.resume().owes(Execute)


def test_b25_a_finish_during_a_pause_finishes_on_resume_unless_the_user_wrote() -> None:
    assert Scene().running().ask().pause().hear("", FINISH).resume().agent == "finished"
    scene = Scene().running().ask().pause().hear("", FINISH).say().resume()
    assert scene.recall().owes(PrepareAsk)


def test_b25_a_failed_call_during_a_pause_is_tried_again_on_resume() -> None:
    scene = Scene().running().ask().pause().fail()
    assert scene.agent == "paused"
    assert scene.resume().owes(PrepareAsk)
    assert scene.ask().of(ModelAsked)[-1].attempt == 2


@places
def test_b26_stop_answers_everything_and_ends_the_loop_at_once(place: str) -> None:
    scene = PLACES[place]()
    if scene.agent in {"finished", "rejected"}:
        scene.refuses(StopAgent(id="x", at=AT), "cannot stop")
        return
    ask, opened = scene.state.agent.ask, scene.open
    scene.stop()
    assert scene.agent == "stopped"
    assert scene.owes()
    for action in opened:
        (answer,) = scene.answers(action.version)
        assert isinstance(answer, Cancelled)
        assert "stopped by the user" in answer.content
        scene.observe(action.version)
        assert scene.types()[-1] == "LateResultRecorded"
    if ask is not None:
        scene.hear("", RUN, ask=ask.version)
        assert isinstance(scene.last[-1], LateAnswerRecorded)
    assert scene.agent == "stopped"
    assert scene.owes()


@places
def test_b20_a_message_in_every_state_is_recorded_heard_and_leads_to_rest(place: str) -> None:
    scene = PLACES[place]()
    was_paused = scene.agent == "paused"
    scene.say("also this")
    assert any(isinstance(e, MessageReceived) and e.content == "also this" for e in scene.last)
    assert (scene.agent == "paused") == was_paused
    if was_paused:
        scene.resume()
    if scene.state.agent.reenacting:
        return
    version = next(v for v, e in enumerate(scene.session.events) if e == MessageReceived(content="also this"))
    scene = carry_on(scene)
    if scene.agent == "awaiting_user_confirmation":
        scene.confirm()
        carry_on(scene)
    asked = [v for v, event in enumerate(scene.session.events) if isinstance(event, ModelAsked)]
    assert any(ask > version for ask in asked), "the model was never shown the message"
    assert scene.agent in {"finished", "awaiting_user_input"}


@places
def test_b13_close_in_every_state_keeps_it_resumable(place: str) -> None:
    scene = PLACES[place]()
    before = scene.agent
    scene.close()
    assert scene.owes()
    assert scene.agent == before
    scene.refuses(SendMessage(id="x", at=AT, fact=MessageReceived(content="hi")), "closed")
    scene.claim()
    assert scene.agent == before
    assert carry_on(scene).agent in RESTING


@places
def test_b45_what_waited_waits_and_what_ran_runs_on_in_every_state(place: str) -> None:
    scene = PLACES[place]()
    before, waited = scene.agent, scene.agent in RESTING
    system = len(scene.of(SystemMessageAdded))
    scene.claim()
    assert scene.agent == before
    if waited:
        assert not {type(event) for event in scene.last} & {AgentStateChanged, MessageReceived}
    assert len(scene.of(SystemMessageAdded)) == system
    assert carry_on(scene).agent in RESTING


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


def test_b27_a_message_before_the_limit_counts_from_there() -> None:
    scene = Scene().running(iterations_max=2).step("hello").say().recall()
    assert scene.step("", THINK).agent == "running"
    assert scene.step("", THINK).agent == "error"


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
    scene = _rate_limited().say()
    assert scene.agent == "rate_limited"
    assert scene.owes(SetTimer, Recall)
    assert scene.recall().fire().owes(PrepareAsk)


def test_b30_a_timer_that_fires_twice_or_late_changes_nothing() -> None:
    scene = _rate_limited()
    timer = scene.state.agent.state_version
    scene.fire().do(_fire(timer))
    assert scene.last == ()


def _fire(timer: int) -> FireTimer:
    return FireTimer(id="again", at=AT, timer=timer)


def test_b26_stop_gives_an_open_ask_up() -> None:
    scene = Scene().running().ask(0.5).stop()
    assert len(scene.of(AskAbandoned)) == 1
    assert scene.state.agent.cost_usd == 0.5


def test_b26_after_a_stop_a_message_goes_on() -> None:
    scene = Scene().acting(RUN, EDIT).stop().say().recall()
    assert scene.owes(PrepareAsk)
    assert len(scene.of(ObservationRecorded)) == 2


def test_b27_equal_limits_are_no_fact() -> None:
    assert Scene().running(iterations_max=2).change(iterations_max=2).last == ()


def test_b27_the_first_message_of_a_session_extends_nothing() -> None:
    assert Scene().start(task=None).connect().say().of(LimitsExtended) == []
