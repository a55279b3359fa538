"""Session's own decisions, and how the nouns' answers are put together: facts in, facts out."""

import pytest

from refold.actors.agents.registry import greeting
from refold.actors.session.commands import (
    BeginAsk,
    ChangeSettings,
    ClaimSession,
    CloseSession,
    ContinueAgent,
    PauseAgent,
    ReportAnswer,
    ReportConnection,
    ReportObservation,
    ReportRecall,
    ResumeAgent,
    SendMessage,
    StartSession,
    StopAgent,
)
from refold.actors.session.due import AskModel, Connect, Execute, PrepareAsk, Recall, due
from refold.eventlog.actions import Message, Run
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    AgentStateChanged,
    AskAbandoned,
    Event,
    LateAnswerRecorded,
    LateResultRecorded,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeLost,
    SessionClosed,
    SessionImported,
    SessionStarted,
    SettingsChanged,
)
from refold.eventlog.observations import Cancelled, RunOutput
from refold.testing.spec import given
from tests.behaviour.scenes import AT, claim, settings

STARTED = SessionStarted(settings=settings(), task="do it")
CONNECTED = RuntimeConnected(incarnation="r1", sandbox="local", epoch=1)
GREETED = greeting(STARTED.settings, (), place="/w")
RUNNING = AgentStateChanged(state="running")
TASK = MessageReceived(content="do it", by="user")
RECALLED = RecallRecorded(cause=5, recall="workspace_context")
ASKED = ModelAsked(model="script:s", attempt=1, step=1, request="d", messages=2, script_line=0)
BEGUN: tuple[Event, ...] = (STARTED, claim(1), CONNECTED, GREETED, RUNNING, TASK, RECALLED)
ANSWERED = ModelAnswered(cause=7, model="m", content="hello", cost_usd=0.0)
PROPOSED = ActionProposed(action=Run(command="ls"), tool_call_id="c", by="agent", cause=8)
ACTING: tuple[Event, ...] = (
    *BEGUN,
    ASKED,
    ANSWERED,
    PROPOSED,
    ActionStarted(cause=9, incarnation="r1"),
)
OBSERVED = ObservationRecorded(cause=9, observation=RunOutput(content="out", exit_code=0))
RECORDED_ELSEWHERE = SessionImported(source="file", format="openhands", events=0)


def test_a_start_is_recorded_with_its_claim() -> None:
    given().when(StartSession(id="c", at=AT, fact=STARTED, claim=claim(1))).then(STARTED, claim(1))


def test_a_command_to_what_was_not_started_is_refused() -> None:
    given().when(StopAgent(id="c", at=AT)).then_refused("was not started")
    given().when(ClaimSession(id="c", at=AT, fact=claim(1))).then_refused("was not started")


@pytest.mark.parametrize("command", [StopAgent(id="c", at=AT), ClaimSession(id="c", at=AT, fact=claim(1))])
def test_what_was_imported_owes_nothing_and_refuses_everything(command: StopAgent | ClaimSession) -> None:
    imported = given(RECORDED_ELSEWHERE)
    imported.when(command).then_refused("`replay` re-enacts it, `fork` goes on from it")
    assert due(imported.state) == ()


def test_a_connection_brings_the_start_to_its_end() -> None:
    session = (
        given(STARTED, claim(1))
        .when(ReportConnection(id="c", at=AT, fact=CONNECTED))
        .then(CONNECTED, GREETED, RUNNING, TASK)
    )
    (recall,) = due(session.state)
    assert isinstance(recall, Recall)
    assert recall.first


def test_a_connection_for_an_older_epoch_changes_nothing() -> None:
    old = ReportConnection(id="c", at=AT, fact=CONNECTED)
    given(STARTED, claim(1), claim(2)).when(old).then_nothing()


def test_a_second_connection_changes_nothing() -> None:
    given(*BEGUN).when(ReportConnection(id="c", at=AT, fact=CONNECTED)).then_nothing()


def test_a_loss_of_another_runner_changes_nothing() -> None:
    lost = RuntimeLost(incarnation="r0", reason="gone")
    given(*BEGUN).when(ReportConnection(id="c", at=AT, fact=lost)).then_nothing()


def test_a_lost_runner_is_looked_for_again_under_another_key() -> None:
    lost = RuntimeLost(incarnation="r1", reason="gone")
    session = given(*ACTING).when(ReportConnection(id="c", at=AT, fact=lost)).then(lost)
    (first,) = due(given(STARTED, claim(1)).state)
    (again,) = due(session.state)
    assert isinstance(again, Connect)
    assert again.key != first.key


def test_a_recall_of_what_does_not_wait_changes_nothing() -> None:
    given(*BEGUN).when(ReportRecall(id="c", at=AT, fact=RECALLED)).then_nothing()


def test_an_ask_is_recorded_before_it_leaves() -> None:
    session = given(*BEGUN)
    (prepare,) = due(session.state)
    assert isinstance(prepare, PrepareAsk)
    asked = session.when(BeginAsk(id="c", at=AT, fact=ASKED, seen=6)).then(ASKED)
    (ask,) = due(asked.state)
    assert isinstance(ask, AskModel)
    assert ask.ask == 7


def test_an_ask_prepared_from_an_older_stream_is_stale() -> None:
    given(*BEGUN).when(BeginAsk(id="c", at=AT, fact=ASKED, seen=5)).then_nothing()


def test_plain_text_leads_to_rest_in_the_same_commit() -> None:
    message = ActionProposed(cause=8, action=Message(content="hello"), by="agent")
    given(*BEGUN, ASKED).when(ReportAnswer(id="c", at=AT, fact=ANSWERED, draw=0.5)).then(
        ANSWERED, message, AgentStateChanged(state="awaiting_user_input")
    )


def test_a_late_answer_is_kept_whole() -> None:
    given(*BEGUN, ASKED, AskAbandoned(cause=7, reason="x")).when(
        ReportAnswer(id="c", at=AT, fact=ANSWERED, draw=0.5)
    ).then(LateAnswerRecorded(cause=7, answer=ANSWERED))


def test_an_observation_closes_its_action_and_a_second_one_is_late() -> None:
    report = ReportObservation(id="c", at=AT, fact=OBSERVED)
    session = given(*ACTING).when(report).then(OBSERVED)
    session.when(report).then(LateResultRecorded(cause=9, observation=OBSERVED.observation))


def test_a_message_while_an_action_runs_is_no_more_than_recorded() -> None:
    said = MessageReceived(content="hurry")
    session = given(*ACTING).when(SendMessage(id="c", at=AT, fact=said)).then(said)
    assert any(isinstance(effect, Execute) for effect in due(session.state))


def test_close_answers_what_runs_and_gives_the_ask_up() -> None:
    closed = SessionClosed(reason="bye")
    given(*BEGUN, ASKED).when(CloseSession(id="c", at=AT, reason="bye")).then_types(
        AskAbandoned, SessionClosed
    )
    session = given(*ACTING).when(CloseSession(id="c", at=AT, reason="bye"))
    answer, last = session.events
    assert isinstance(answer, ObservationRecorded)
    assert isinstance(answer.observation, Cancelled)
    assert answer.observation.reason == "closed"
    assert last == closed


def test_a_closed_session_accepts_only_a_claim_or_another_close() -> None:
    closed = given(*BEGUN, SessionClosed(reason="bye"))
    closed.when(CloseSession(id="c", at=AT, reason="bye")).then_nothing()
    for command in (
        StopAgent(id="c", at=AT),
        ResumeAgent(id="c", at=AT),
        ContinueAgent(id="c", at=AT),
        ReportObservation(id="c", at=AT, fact=OBSERVED),
    ):
        closed.when(command).then_refused("`resume` opens it again")
    closed.when(ClaimSession(id="c", at=AT, fact=claim(2))).then(claim(2))


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_a_claim_of_any_but_the_next_epoch_is_refused(epoch: int) -> None:
    given(*BEGUN).when(ClaimSession(id="c", at=AT, fact=claim(epoch))).then_refused("2 is next")


def test_b45_a_claim_is_all_that_a_session_needs_that_waits_for_nothing() -> None:
    given(*BEGUN).when(ClaimSession(id="c", at=AT, fact=claim(2))).then(claim(2))


def test_only_the_settings_that_differ_are_recorded() -> None:
    fact = SettingsChanged(model="script:s", budget_usd=2.0, confirm="never")
    given(*BEGUN).when(ChangeSettings(id="c", at=AT, fact=fact)).then(SettingsChanged(budget_usd=2.0))


def test_steering_that_changes_nothing_is_honoured() -> None:
    paused = given(*BEGUN, AgentStateChanged(state="paused"))
    paused.when(PauseAgent(id="c", at=AT)).then_nothing()
    given(*BEGUN).when(ResumeAgent(id="c", at=AT)).then_nothing()
    given(*BEGUN, AgentStateChanged(state="stopped")).when(StopAgent(id="c", at=AT)).then_nothing()
