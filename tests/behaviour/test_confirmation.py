"""Rules 32 and 33: nothing that needs an approval touches the world before it is recorded."""

import pytest

from refold.actors.controller.confirmation import approval_digest, unconfirmed
from refold.actors.session.commands import ConfirmActions, RejectActions
from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    ActionsRejected,
    ActionStarted,
    ObservationRecorded,
)
from refold.eventlog.observations import Cancelled
from refold.eventlog.risk import Risk
from tests.behaviour.scenes import AT, EDIT, FINISH, RUN, THINK, Call, Execute, PrepareAsk, Recall, Scene


def waiting(*calls: Call) -> Scene:
    return Scene().running(confirm="always").step("", *(calls or (RUN, EDIT)))


def test_b32_never_starts_at_once() -> None:
    assert Scene().running(confirm="never").step("", RUN).owes(Execute)


@pytest.mark.parametrize("call", [RUN, EDIT, ("str_replace_editor", {"command": "view", "path": "a"})])
def test_b32_always_starts_no_kind_of_action_before_the_approval(call: Call) -> None:
    scene = waiting(call)
    assert scene.agent == "awaiting_user_confirmation"
    assert scene.owes()
    assert scene.of(ActionStarted) == []
    assert scene.confirm().owes(Execute)


def test_b32_a_thought_and_finish_touch_nothing_and_need_no_approval() -> None:
    assert Scene().running(confirm="always").step("", THINK).owes(PrepareAsk)
    assert Scene().running(confirm="always").step("", FINISH).agent == "finished"


def test_b32_a_policy_set_while_actions_wait_for_their_turn_holds_for_them() -> None:
    scene = Scene().acting(RUN, EDIT).change(confirm="always").observe()
    assert scene.agent == "awaiting_user_confirmation"
    assert len(scene.of(ActionStarted)) == 1


def test_b32_a_policy_lifted_while_actions_await_approval_does_not_let_them_slip() -> None:
    scene = waiting().change(confirm="never")
    assert scene.agent == "awaiting_user_confirmation"
    rejected = scene.do(RejectActions(id="r", at=AT))
    assert not rejected.open
    assert rejected.of(ActionStarted) == []


def test_b32_a_policy_lifted_while_actions_await_approval_lets_the_shown_approval_count() -> None:
    scene = waiting()
    digest = approval_digest(unconfirmed(scene.state))
    scene.change(confirm="never").do(ConfirmActions(id="c", at=AT, digest=digest))
    assert scene.owes(Execute)


def test_b33_an_approval_runs_exactly_the_actions_it_names_in_order() -> None:
    scene = waiting()
    versions = tuple(opened.version for opened in scene.open)
    scene.confirm()
    (confirmed,) = scene.of(ActionsConfirmed)
    assert confirmed.actions == versions
    scene.observe().observe()
    assert tuple(event.cause for event in scene.of(ActionStarted)) == versions


def test_b33_an_approval_comes_through_a_restart() -> None:
    scene = waiting()
    digest = approval_digest(unconfirmed(scene.state))
    scene.close().claim()
    assert scene.agent == "awaiting_user_confirmation"
    assert scene.owes()
    scene.do(ConfirmActions(id="c", at=AT, digest=digest)).connect()
    assert scene.owes(Execute)
    assert scene.observe().owes(Execute)
    assert scene.observe().owes(PrepareAsk)


def test_b33_a_restart_after_the_approval_needs_no_second_one() -> None:
    scene = waiting().confirm().claim().connect("r2")
    assert scene.observe().owes(Execute)


def test_b33_a_stale_approval_is_refused() -> None:
    scene = waiting()
    stale = approval_digest(unconfirmed(scene.state))
    scene.say().recall().step("", EDIT)
    scene.refuses(ConfirmActions(id="c", at=AT, digest=stale), "look again")


def test_b33_a_second_approval_is_refused() -> None:
    scene = waiting()
    digest = approval_digest(unconfirmed(scene.state))
    scene.confirm().refuses(ConfirmActions(id="c", at=AT, digest=digest), "nothing waits to be confirmed")


def test_b33_equal_actions_of_different_answers_have_different_approvals() -> None:
    scene = waiting(RUN)
    first = approval_digest(unconfirmed(scene.state))
    scene.confirm().observe().step("", RUN)
    assert approval_digest(unconfirmed(scene.state)) != first


def test_b33_reject_answers_each_with_the_reason_and_awaits_input() -> None:
    scene = waiting().reject("too dangerous")
    assert scene.agent == "awaiting_user_input"
    assert scene.owes()
    answers = [event.observation for event in scene.of(ObservationRecorded)]
    assert len(answers) == 2
    for answer in answers:
        assert isinstance(answer, Cancelled)
        assert "too dangerous" in answer.content
    (rejected,) = scene.of(ActionsRejected)
    assert rejected.reason == "too dangerous"
    assert scene.say().owes(Recall)


def test_b33_finish_beside_a_rejected_action_does_not_finish() -> None:
    scene = waiting(RUN, FINISH).reject()
    assert scene.agent == "awaiting_user_input"


def test_b33_finish_beside_an_approved_action_finishes_after_it() -> None:
    assert waiting(RUN, FINISH).confirm().observe().agent == "finished"


def test_b33_only_what_waits_can_be_approved_or_rejected() -> None:
    scene = Scene().acting(RUN)
    scene.refuses(ConfirmActions(id="c", at=AT, digest=""), "while running")
    scene.refuses(RejectActions(id="r", at=AT), "cannot reject")


def test_b33_a_pause_and_resume_asks_for_the_same_approval_again() -> None:
    scene = waiting()
    digest = approval_digest(unconfirmed(scene.state))
    scene.pause().resume()
    assert scene.agent == "awaiting_user_confirmation"
    scene.do(ConfirmActions(id="c", at=AT, digest=digest))
    assert scene.owes(Execute)


def test_b33_a_lost_runner_between_approved_actions_needs_no_second_approval() -> None:
    scene = waiting().confirm().lose().connect("r2").observe()
    assert scene.owes(Execute)


def asks(confirm: str, risk: str, found: Risk | None) -> bool:
    """Return whether an action of the risk `found` waits under the policy."""
    scene = Scene().running(confirm=confirm, risk=risk).step("", RUN, risks=(found,))
    return scene.agent == "awaiting_user_confirmation" and scene.owes()


RISKS: tuple[Risk | None, ...] = ("low", "medium", "high", "unknown", None)


@pytest.mark.parametrize(
    ("confirm", "risk", "waiting_for"),
    [
        ("never", "low", ()),
        ("always", "high", RISKS),
        ("risky", "low", ("low", "medium", "high", None)),
        ("risky", "medium", ("medium", "high", None)),
        ("risky", "high", ("high", None)),
        ("unknown", "low", RISKS),
        ("unknown", "medium", ("medium", "high", "unknown", None)),
        ("unknown", "high", ("high", "unknown", None)),
    ],
)
def test_b32_each_policy_asks_from_its_threshold_on(
    confirm: str, risk: str, waiting_for: tuple[Risk | None, ...]
) -> None:
    assert tuple(found for found in RISKS if asks(confirm, risk, found)) == waiting_for


def test_b32_what_stands_before_a_risky_action_is_done_and_nothing_overtakes_it() -> None:
    scene = Scene().running(confirm="risky").step("", RUN, EDIT, RUN, risks=("low", "high", "low"))
    assert scene.owes(Execute)
    scene.observe()
    assert scene.agent == "awaiting_user_confirmation"
    assert scene.owes()
    assert len(scene.of(ActionStarted)) == 1


def test_b33_an_approval_names_the_risky_action_and_all_behind_it() -> None:
    scene = Scene().running(confirm="risky").step("", RUN, EDIT, RUN, risks=("low", "high", "high")).observe()
    waiting = tuple(opened.version for opened in scene.open)
    scene.confirm()
    (confirmed,) = scene.of(ActionsConfirmed)
    assert confirmed.actions == waiting
    assert len(waiting) == 2
    assert scene.observe().observe().owes(PrepareAsk)


def test_b32_a_threshold_set_while_actions_wait_for_their_turn_holds_for_them() -> None:
    scene = Scene().running(confirm="risky", risk="high").step("", RUN, EDIT, risks=("low", "medium"))
    assert scene.change(risk="medium").observe().agent == "awaiting_user_confirmation"


def test_b32_a_policy_that_asks_for_risks_asks_about_what_nobody_assessed() -> None:
    assert Scene().acting(RUN, EDIT).change(confirm="risky").observe().agent == "awaiting_user_confirmation"


def test_b33_reject_lets_the_agent_try_again_if_asked() -> None:
    scene = waiting().reject("not there", try_again=True)
    assert scene.agent == "running"
    assert scene.owes(PrepareAsk)
    assert not scene.open
    assert len(scene.of(ActionsRejected)) == 1


def test_b33_who_approved_and_who_rejected_is_recorded() -> None:
    scene = waiting()
    digest = approval_digest(unconfirmed(scene.state))
    scene.do(ConfirmActions(id="c", at=AT, by="user", digest=digest, who="ada@loom"))
    assert scene.of(ActionsConfirmed)[0].who == "ada@loom"
    rejected = waiting().do(RejectActions(id="r", at=AT, by="user", who="ada@loom"))
    assert rejected.of(ActionsRejected)[0].who == "ada@loom"


def test_b34_the_risk_is_recorded_with_the_action_before_anything_starts() -> None:
    scene = Scene().running().ask()
    before = len(scene.session.events)
    scene.hear("", RUN, ("fly", {}), EDIT, risks=("high", None, "unknown"))
    types = scene.types()[before:]
    assert types.index("ActionProposed") < types.index("ActionStarted")
    proposed = scene.of(ActionProposed)
    assert [(each.risk, each.risk_reason, each.analyzer) for each in proposed] == [
        ("high", "so it looks", "test"),
        ("unknown", "so it looks", "test"),
    ]


def test_b34_a_message_has_a_risk_too() -> None:
    assert Scene().running().step("hello", risks=("low",)).of(ActionProposed)[0].risk == "low"
