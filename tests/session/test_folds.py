"""What facts leave a session with: a setting, a summary that was to be had, the name of the next try."""

import pytest
from msgspec.structs import asdict, replace

from refold.actors.session.commands import ChangeSettings, ReportRecording, ReportRelease
from refold.actors.session.due import Connect, RunStep, due
from refold.actors.session.fault import faulted
from refold.eventlog.condensation import CondensationAsked, CondensationFailed
from refold.eventlog.condensers import RecentWindow
from refold.eventlog.events import (
    AgentStateChanged,
    Event,
    MessageReceived,
    SessionFaulted,
    SessionStarted,
    SettingsChanged,
    StepReenacted,
)
from refold.eventlog.settings import Price
from refold.eventlog.starting import RuntimeReleased, StartStepEnded
from refold.testing.spec import given
from tests.behaviour.scenes import AT, claim, settings
from tests.session.test_decide import ACTING, CONNECTED, GREETED, RUNNING

START = SessionStarted(settings=settings(), task="do it")
ALL = SettingsChanged(
    model="script:other",
    base_url="http://other",
    price=Price(prompt=3.0, completion=4.0),
    confirm="always",
    risk="high",
    analyzer="none",
    iterations_max=77,
    budget_usd=7.0,
    key_env="OTHER_KEY",
    parameters={"temperature": 0.5},
    condenser=RecentWindow(messages_max=5),
)
GIVEN = tuple(name for name, value in asdict(ALL).items() if value is not None)
PERSONS = tuple(name for name in GIVEN if name not in {"key_env", "parameters"})
SUMMARY = CondensationAsked(condenser="summary", reason="size", step=1)


@pytest.mark.parametrize("name", GIVEN)
def test_a_setting_that_is_given_is_in_force_and_all_others_stay(name: str) -> None:
    one = SettingsChanged(**{name: getattr(ALL, name)})
    state = given(START, claim(1), one).state
    assert state.life.settings == replace(START.settings, **{name: getattr(ALL, name)})


@pytest.mark.parametrize("name", PERSONS)
def test_a_setting_that_differs_is_recorded_and_one_in_force_is_not(name: str) -> None:
    one = SettingsChanged(**{name: getattr(ALL, name)})
    changed = given(START, claim(1)).when(ChangeSettings(id="c", at=AT, fact=one)).then(one)
    changed.when(ChangeSettings(id="again", at=AT, fact=one)).then_nothing()


def test_what_a_script_said_is_recorded_with_another_script_only() -> None:
    other = SettingsChanged(model="script:other", script_digest="d")
    given(START, claim(1)).when(ChangeSettings(id="c", at=AT, fact=other)).then(other)
    same = SettingsChanged(model=START.settings.model, script_digest="d")
    given(START, claim(1)).when(ChangeSettings(id="c", at=AT, fact=same)).then_nothing()


@pytest.mark.parametrize(
    "event",
    [
        SessionFaulted(error="ZeroDivisionError", message="a bug"),
        AgentStateChanged(state="error"),
        AgentStateChanged(state="stopped"),
        CondensationFailed(cause=3, reason="no text"),
    ],
    ids=["a fault", "an error", "a stop", "a failure"],
)
def test_what_ends_a_run_gives_up_the_summary_that_was_to_be_had(event: Event) -> None:
    waiting = given(START, claim(1), AgentStateChanged(state="running"), SUMMARY)
    assert waiting.state.recall.condensation is not None
    assert given(*waiting.events, event).state.recall.condensation is None


@pytest.mark.parametrize("state", ["finished", "rejected", "stopped", "awaiting_user_input"])
def test_b22_a_fault_of_ours_changes_nothing_about_a_delegate_that_has_ended(state: str) -> None:
    end = AgentStateChanged(state=state)  # type: ignore[arg-type]
    begun = (claim(1), AgentStateChanged(state="running"))
    delegate = given(replace(START, parent="parent", action=9), *begun, end)
    assert faulted(delegate.state, "ZeroDivisionError", "a bug") == ()
    assert faulted(given(START, *begun, end).state, "ZeroDivisionError", "a bug")


def test_a_step_that_failed_is_tried_again_under_another_name() -> None:
    """Told under one that is in the log it would be taken for what was told before."""
    begun = given(replace(START, settings=settings(analyzer="own:analyzer")), claim(1))
    failed = StartStepEnded(step="analyzer", outcome="failed")
    again = given(*begun.events, failed, AgentStateChanged(state="error")).after(
        ReportRelease(id="r", at=AT, fact=RuntimeReleased())
    )
    again = given(*again.events, MessageReceived(content="go on"), AgentStateChanged(state="loading"))
    first, second = (
        [effect.key for effect in due(one.state) if isinstance(effect, RunStep)] for one in (begun, again)
    )
    assert first
    assert second
    assert first != second


def test_b53_a_recording_that_differs_is_over_on_record_and_the_session_in_error() -> None:
    replayed = replace(START, task=None, reenacts="recorded", strict=True)
    begun = given(replayed, claim(1), CONNECTED, GREETED, RUNNING)
    fact = StepReenacted(source=4, end=True, diverged=True)
    ended = begun.when(ReportRecording(id="r", at=AT, fact=fact)).then_types(StepReenacted, AgentStateChanged)
    assert ended.state.agent.state == "error"
    assert not ended.state.agent.reenacting


def test_what_runs_is_asked_after_by_who_takes_up_a_session_that_is_paused() -> None:
    paused = given(*ACTING, AgentStateChanged(state="paused"), claim(2))
    assert [type(effect) for effect in due(paused.state)] == [Connect]
