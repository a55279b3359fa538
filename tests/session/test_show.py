"""`show` at any version is what was there to see when that version was committed."""

from hypothesis import given, settings

from refold.actors.session.evolve import fold
from refold.actors.session.importing import import_trajectory
from refold.actors.session.show import shown
from refold.actors.session.state import initial_state
from refold.eventlog.events import AgentStateChanged, MessageReceived, SessionImported
from refold.eventlog.memory_log import MemoryLog
from tests.session.generated import PLANS, STREAM, Plan, make


@settings(max_examples=30, deadline=None)
@given(plan=PLANS)
def test_b44_every_version_is_shown_as_it_was_held_live(plan: Plan) -> None:
    made = make(plan)
    records = list(made.log.read(STREAM))
    assert len(records) == len(made.log.shown[STREAM])
    for version in range(len(records)):
        then = list(made.log.read(STREAM, until=version))
        assert shown(then) == made.log.shown[STREAM][version]
        assert fold(initial_state(), then) == made.log.states[STREAM][version + 1]


@settings(max_examples=30, deadline=None)
@given(plan=PLANS)
def test_what_is_shown_agrees_with_what_the_deciders_count(plan: Plan) -> None:
    made = make(plan)
    state, seen = made.sessions.state(STREAM), shown(made.log.read(STREAM))
    assert seen["iterations"] == state.agent.iterations
    assert seen["status"] == state.agent.state
    assert [pending["version"] for pending in seen["pending"]] == [
        opened.version for opened in state.hands.open
    ]


def test_a_finished_session_at_a_glance() -> None:
    made = make(Plan(1, "never", 9, "do it", ("run", "finish"), (), ()))
    seen = shown(made.log.read(STREAM))
    assert seen == {
        "session": STREAM,
        "version": seen["version"],
        "status": "finished",
        "reason": "",
        "waiting": None,
        "retry_at": None,
        "iterations": 2,
        "cost": 0.04,
        "tokens": {"prompt": 2000, "completion": 200, "cached": 20, "reasoning": 10},
        "limits": {"iterations_max": 9, "iterations_left": 7, "budget_usd": None},
        "pending": [],
        "approval": None,
        "task": "do it",
        "tasks": [],
        "workspace": "/w",
        "sandbox": "local",
        "isolated": False,
        "model": "script:lines",
        "confirm": "never",
        "risk": "medium",
        "analyzer": "none",
        "parent": None,
        "agent": "codeact",
        "delegate_of": None,
        "delegates": [],
        "imported": False,
        "closed": False,
        "epoch": 1,
    }


def test_what_waits_for_a_confirmation_is_shown_with_what_names_it() -> None:
    made = make(Plan(1, "always", 9, "do it", ("two",), (), ()))
    seen = shown(made.log.read(STREAM))
    assert seen["status"] == "awaiting_user_confirmation"
    assert seen["waiting"] == "a confirmation"
    assert [pending["kind"] for pending in seen["pending"]] == ["run", "run"]
    assert all(pending["action"]["kind"] == "run" for pending in seen["pending"])
    assert all(pending["digest"] == seen["approval"] for pending in seen["pending"])
    assert not any(pending["started"] or pending["confirmed"] for pending in seen["pending"])
    assert len(seen["approval"]) == 64


def test_a_rate_limited_session_says_until_when() -> None:
    made = make(Plan(1, "never", 9, "do it", ("limit", "finish"), (), ()))
    at = next(
        version for version, seen in enumerate(made.log.shown[STREAM]) if seen["status"] == "rate_limited"
    )
    seen = shown(made.log.read(STREAM, until=at))
    assert seen["retry_at"] > next(iter(made.log.read(STREAM, after=at))).at - 10**10
    assert "429" in seen["reason"] or "slow down" in seen["reason"]


def test_an_imported_session_has_a_status_and_owes_nothing() -> None:
    log = MemoryLog()
    events = (
        SessionImported(source="x.json", format="list", events=2, status="paused"),
        MessageReceived(content="hi", by="user", foreign="{}"),
        AgentStateChanged(state="paused", foreign="{}"),
    )
    import_trajectory(log, "old", events, now_ns=1, command="c")
    seen = shown(log.read("old"))
    assert (seen["session"], seen["version"], seen["status"]) == ("old", 2, "paused")
    assert (seen["pending"], seen["workspace"], seen["model"], seen["imported"]) == ([], None, None, True)
