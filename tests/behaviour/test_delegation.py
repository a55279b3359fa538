"""Rules 15, 42 and 43 on real threads: a delegate is a session of its own, and its parent's in everything."""

from pathlib import Path

import pytest

from refold.actors.runner.hands import RunnerHands
from refold.actors.session.verify import verify
from refold.actors.tools.toolbox import names_of
from refold.errors import CommandRefused
from refold.eventlog.audit_path import audit_path
from refold.eventlog.events import (
    ActionStarted,
    AgentStateChanged,
    Event,
    MessageReceived,
    ModelAsked,
    ObservationRecorded,
    RuntimeConnected,
    SessionClaimed,
    SessionClosed,
    SessionStarted,
    SystemMessageAdded,
)
from refold.eventlog.observations import Cancelled, Failure
from refold.eventlog.settings import AgentSettings, Price
from refold.forking import fork_session
from refold.home import Home
from refold.look import glance
from refold.session import Session
from refold.system import System
from tests.behaviour.families import (
    FINISH,
    Household,
    Said,
    children,
    delegate,
    facts,
    results,
    run,
    until,
)

HELPS: list[Said] = [[run("echo helped > helped.txt")], [("finish", {"message": "helped"})]]
SLOW: list[Said] = [[run("echo on > running; sleep 30")], [FINISH]]


@pytest.fixture
def household(tmp_path: Path) -> Household:
    return Household(tmp_path)


def counted(system: System, stream: str, kind: type[Event]) -> int:
    return len([event for event in facts(system, stream) if isinstance(event, kind)])


def offered(system: System, stream: str) -> tuple[str, ...]:
    (greeting,) = [event for event in facts(system, stream) if isinstance(event, SystemMessageAdded)]
    return names_of(greeting.tools)


def alive(system: System, session: str) -> bool:
    return RunnerHands(session, system.home.runner(session)).is_alive()


def runs(event: object) -> bool:
    return isinstance(event, ActionStarted) and event.incarnation != "delegate"


def test_b42_a_delegate_is_a_session_of_its_own_whose_result_alone_its_parent_holds(
    household: Household,
) -> None:
    with household.open() as system:
        session = household.start(
            system, [[delegate(task="help me")], [run("cat helped.txt")], [FINISH]], HELPS
        )
        assert session.wait(timeout=60).agent.state == "finished"
        (child,) = children(system)
        (result,) = results(system)
        assert (result.session, result.status, result.iterations) == (child, "finished", 2)
        assert "helped" in result.content
        parent = list(system.log.read("p"))
        assert {record.stream for record in parent} == {"p"}
        assert len([r for r in parent if isinstance(r.event, RuntimeConnected)]) == 1
        (said,) = [
            e.observation.content
            for e in facts(system, "p")
            if isinstance(e, ObservationRecorded) and e.observation.content.startswith("helped")
        ]
        assert said.strip() == "helped"
        assert [e.content for e in facts(system, child) if isinstance(e, MessageReceived)] == ["help me"]
        assert verify(system.log, "p").ok
        assert verify(system.log, child).ok
        assert not alive(system, child)
    assert audit_path(household.home / "log").bad is None


def test_b42_parent_and_delegate_name_each_other(household: Household) -> None:
    with household.open() as system:
        household.start(system, [[delegate()], [FINISH]], HELPS).wait(timeout=60)
        (child,) = children(system)
        started = next(e for e in facts(system, child) if isinstance(e, SessionStarted))
        assert (started.parent, child) == ("p", f"p~{started.action}")
        shown = glance(system.home, system.log, "p")
        (below,) = shown["delegates"]
        assert shown["iterations"] == 4
        assert (below["session"], below["status"], below["iterations"]) == (child, "finished", 2)
        assert glance(system.home, system.log, child)["delegate_of"] == {
            "session": "p",
            "action": started.action,
        }


def test_b42_what_a_delegate_uses_up_counts_in_its_parent(household: Household) -> None:
    price = Price(prompt=1.0, completion=10.0)
    with household.open() as system:
        session = household.start(
            system, [[delegate()], [FINISH]], HELPS, price=price, prices={}, budget_usd=None
        )
        state = session.wait(timeout=60)
        asked = [e for e in facts(system, "p") if isinstance(e, ModelAsked)]
        assert [each.step for each in asked] == [1, 4]
        assert state.agent.iterations == 4
        (result,) = results(system)
        assert result.iterations == 2


def test_b42_a_delegate_has_the_slice_that_it_is_granted_and_no_more(household: Household) -> None:
    helps: list[Said] = [[run(f"echo {number}")] for number in range(9)]
    with household.open() as system:
        session = household.start(
            system, [[delegate()], [FINISH]], helps, grant=AgentSettings(iterations_max=3)
        )
        state = session.wait(timeout=60)
        (result,) = results(system)
        assert (result.status, result.iterations) == ("error", 3)
        assert "max_iterations" in result.content
        assert (state.agent.state, state.agent.iterations) == ("finished", 5)


def test_b43_the_parents_limit_holds_for_both_of_them(household: Household) -> None:
    helps: list[Said] = [[run(f"echo {number}")] for number in range(9)]
    with household.open() as system:
        session = household.start(system, [[run("true")], [delegate()], [FINISH]], helps, iterations_max=5)
        state = session.wait(timeout=60)
        (result,) = results(system)
        assert result.iterations == 3
        assert (state.agent.state, state.agent.iterations) == ("error", 5)
        asked = [
            stream
            for stream in ("p", *children(system))
            for e in facts(system, stream)
            if isinstance(e, ModelAsked)
        ]
        assert len(asked) == 5


def test_b15_no_step_is_taken_while_a_delegate_is_active(household: Household) -> None:
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], HELPS)
        session.wait(timeout=60)
        records = list(system.log.read_all())
    begun = next(
        r.position
        for r in records
        if isinstance(r.event, ActionStarted) and r.event.incarnation == "delegate"
    )
    ended = next(
        r.position
        for r in records
        if r.stream == "p" and isinstance(r.event, ObservationRecorded) and r.position > begun
    )
    between = [r for r in records if begun < r.position < ended]
    assert any(isinstance(r.event, ModelAsked) for r in between)
    assert not [r for r in between if r.stream == "p" and isinstance(r.event, ModelAsked)]


def test_b42_a_question_of_a_delegate_is_its_result(household: Household) -> None:
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], ["Which of the two?"])
        assert session.wait(timeout=60).agent.state == "finished"
        (result,) = results(system)
        assert result.status == "awaiting_user_input"
        assert "Which of the two?" in result.content


@pytest.mark.parametrize("agent", ["nobody", "helper"])
def test_b43_an_unknown_agent_is_an_observation_to_the_parent(household: Household, agent: str) -> None:
    with household.open() as system:
        session = household.start(
            system, [[delegate(agent)], [FINISH]], HELPS, grant=AgentSettings(agent="no.such.module:Agent")
        )
        assert session.wait(timeout=60).agent.state == "finished"
        said = [
            e.observation.content
            for e in facts(system, "p")
            if isinstance(e, ObservationRecorded) and isinstance(e.observation, Failure)
        ]
        assert len(said) == 1
        assert "there is no agent" in said[0]
        assert children(system) == []


def test_b43_a_delegate_may_delegate_as_deep_as_settings_say(household: Household) -> None:
    helps: list[Said] = [[delegate("deep")], [("finish", {"message": "deeply"})]]
    deep: list[Said] = [[delegate("deep")], [("finish", {"message": "deepest"})]]
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], helps, deep=deep, delegation_depth=2)
        state = session.wait(timeout=60)
        assert state.agent.state == "finished"
        helper, below = children(system)
        assert below.startswith(f"{helper}~")
        assert "delegate" in offered(system, helper)
        assert "delegate" not in offered(system, below)
        assert [each.iterations for each in results(system, helper)] == [2]
        assert [each.iterations for each in results(system)] == [4]
        assert state.agent.iterations == 6


def test_b43_stopping_the_parent_stops_its_delegate_and_counts_what_it_spent(household: Household) -> None:
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], SLOW)
        until(system, "p~9", runs)
        session.stop()
        state = session.wait(timeout=60)
        assert state.agent.state == "stopped"
        assert state.delegates == ()
        assert system.state("p~9").agent.state == "stopped"
        (cancelled,) = [e for e in facts(system, "p") if isinstance(e, ObservationRecorded)]
        assert isinstance(cancelled.observation, Cancelled)
        (late,) = results(system)
        assert (late.status, late.iterations) == ("stopped", 1)
        assert state.agent.iterations == 2
        assert not alive(system, "p~9")


def test_b43_a_pause_holds_for_a_delegate_and_a_resume_too(
    household: Household,
) -> None:
    helps: list[Said] = [[run("until [ -e go ]; do sleep 0.1; done")], [run("true")], [FINISH]]
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], helps)
        until(system, "p~9", runs)
        session.pause()
        (system.home.workspace("p") / "go").touch()
        assert session.wait(timeout=60).agent.state == "paused"
        assert system.state("p~9").agent.state == "paused"
        assert system.state("p~9").hands.open == ()
        session.resume()
        assert session.wait(timeout=60).agent.state == "finished"
        assert [each.status for each in results(system)] == ["finished"]


def test_a_delegate_at_work_is_shown_in_the_state_of_its_own_stream(household: Household) -> None:
    helps: list[Said] = [[run("until [ -e go ]; do sleep 0.1; done")], [run("true")], [FINISH]]
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], helps)
        until(system, "p~9", runs)
        (below,) = glance(system.home, system.log, "p")["delegates"]
        assert (below["session"], below["status"]) == ("p~9", "running")
        session.pause()
        (system.home.workspace("p") / "go").touch()
        until(system, "p~9", lambda event: isinstance(event, AgentStateChanged) and event.state == "paused")
        (below,) = glance(system.home, system.log, "p")["delegates"]
        assert below["status"] == "paused"
        (below,) = glance(system.home, system.log, "p", at=session.head)["delegates"]
        assert below["status"] == "running"
        session.close()


def test_b43_closing_the_parent_closes_its_delegate_and_both_go_on_later(household: Household) -> None:
    with household.open() as system:
        session = household.start(
            system, [[delegate()], [FINISH]], [[run("echo on > on; sleep 30")], [FINISH]]
        )
        until(system, "p~9", runs)
        session.close()
        assert isinstance(facts(system, "p~9")[-1], SessionClosed)
        assert not alive(system, "p~9")
        assert not list(system.driven())
    with household.open() as system:
        session = system.resume("p")
        assert session.wait(timeout=60).agent.state == "finished"
        (result,) = results(system)
        assert result.status == "finished"
        claims = {
            stream: len([e for e in facts(system, stream) if isinstance(e, SessionClaimed)])
            for stream in ("p", "p~9")
        }
        assert claims == {"p": 2, "p~9": 2}
        positions = [r.position for r in system.log.read_all() if isinstance(r.event, SessionClaimed)]
        assert positions[-1] - positions[-2] <= 2  # One transaction.
        assert verify(system.log, "p~9").ok


def test_b43_a_delegate_is_taken_up_with_its_parent_only(household: Household) -> None:
    with household.open() as system:
        household.start(system, [[delegate()], [FINISH]], SLOW)
        until(system, "p~9", runs)
    with household.open() as system:
        with pytest.raises(CommandRefused, match="`refold resume p` takes up both"):
            system.resume("p~9")
        system.resume("p").close()


def test_b43_a_delegate_that_waits_for_a_person_lets_the_family_rest_and_is_answered(
    household: Household,
) -> None:
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], HELPS, confirm="always")
        assert session.wait(timeout=60).agent.state == "awaiting_user_confirmation"
        session.confirm()
        assert session.wait(timeout=60).agent.state == "running"
        (child,) = children(system)
        below = Session(system, child)
        assert below.status == "awaiting_user_confirmation"
        below.confirm()
        assert session.wait(timeout=60).agent.state == "finished"


def test_b43_what_a_delegate_ended_with_is_final(household: Household) -> None:
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], HELPS)
        session.wait(timeout=60)
        head = system.log.head("p~9")
        with pytest.raises(CommandRefused, match="delegate"):
            system.resume("p~9")
        assert system.log.head("p~9") == head


def test_b43_a_failing_delegate_is_a_result_and_its_parent_goes_on(household: Household) -> None:
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], [[run("true")]])  # Its script ends there.
        assert session.wait(timeout=60).agent.state == "finished"
        (result,) = results(system)
        assert result.status == "error"
        assert "script" in result.content
        assert [e.state for e in facts(system, "p~9") if isinstance(e, AgentStateChanged)][-1] == "error"


def test_b43_a_fork_leaves_an_open_delegate_to_its_parent(household: Household) -> None:
    with household.open() as system:
        session = household.start(system, [[delegate()], [FINISH]], SLOW)
        until(system, "p~9", runs)
        started = max(r.version for r in system.log.read("p") if isinstance(r.event, ActionStarted))
        session.close()
    fork_session(Home(household.home), "p", at=started, new="f")
    with household.open() as system:
        state = system.state("f")
        (answer,) = [event for event in facts(system, "f") if isinstance(event, ObservationRecorded)]
        assert isinstance(answer.observation, Cancelled)
        assert answer.observation.reason == "not_carried_over"
        assert (state.delegates, state.life.parent) == ((), None)
        assert verify(system.log, "f").ok
