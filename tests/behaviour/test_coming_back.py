"""Rules 44 to 47: what a claim finds is what the log says, and it goes on with what is owed."""

from refold.actors.session.due import ReadRecording, due
from refold.eventlog.actions import Finish, Message, Other, Run
from refold.eventlog.events import (
    AskAbandoned,
    MessageReceived,
    ModelAsked,
    RecallRecorded,
    SettingsChanged,
    SystemMessageAdded,
)
from refold.eventlog.observations import Failure
from tests.behaviour.scenes import (
    FINISH,
    NO_TOOL,
    RUN,
    THINK,
    AskModel,
    Connect,
    Execute,
    PrepareAsk,
    Scene,
    SetTimer,
    settings,
)


def test_b44_a_question_without_an_answer_is_asked_again_as_the_next_attempt() -> None:
    scene = Scene().running(retries_max=0).ask().claim()
    assert len(scene.of(AskAbandoned)) == 1
    assert scene.owes(Connect, PrepareAsk)
    scene.ask()
    assert [asked.attempt for asked in scene.of(ModelAsked)] == [1, 2]
    assert scene.state.agent.iterations == 1


def test_b44_an_abandoned_ask_uses_up_no_retry() -> None:
    scene = Scene().running(retries_max=1).ask().claim().ask().claim().ask().fail()
    assert scene.agent == "rate_limited"
    assert scene.fire().ask().fail().agent == "error"


def test_b44_a_running_command_is_waited_for() -> None:
    scene = Scene().acting(RUN).claim()
    assert scene.owes(Connect)
    scene.connect("r1")
    (execute,) = due(scene.state)
    assert isinstance(execute, Execute)
    assert execute.started_in == "r1"
    assert scene.observe().owes(PrepareAsk)


def test_b44_a_command_of_a_runner_that_is_gone_is_asked_for_in_its_name() -> None:
    (execute,) = due(Scene().acting(RUN).claim().connect("r2").state)
    assert isinstance(execute, Execute)
    assert execute.started_in == "r1"


def test_b44_a_retry_is_waited_for() -> None:
    scene = Scene().running().ask().fail(retry_after_s=5.0)
    before = due(scene.state)
    assert due(scene.claim().state) == before
    assert scene.owes(SetTimer)


def test_b44_a_paused_sessions_running_command_is_still_waited_for() -> None:
    scene = Scene().acting(RUN).pause().claim()
    assert scene.owes(Connect)
    assert scene.connect().observe().owes()
    assert scene.agent == "paused"


def test_b45_resume_lifts_a_pause_and_is_nothing_elsewhere() -> None:
    scene = Scene().running().pause().close().claim().resume()
    assert scene.agent == "running"
    assert Scene().running().resume().last == ()
    assert Scene().running().step("", FINISH).resume().last == ()


def test_b45_coming_back_repeats_no_fact_of_the_start() -> None:
    scene = Scene().acting(RUN).close().claim().connect().close().claim().connect()
    assert len(scene.of(SystemMessageAdded)) == 1
    assert len(scene.of(MessageReceived)) == 1
    assert len(scene.of(RecallRecorded)) == 1


def test_b46_settings_given_on_resume_are_facts_and_equal_ones_are_none() -> None:
    scene = Scene().running().close().claim()
    same = settings()
    scene.change(
        model=same.model, confirm=same.confirm, iterations_max=same.iterations_max, script_digest="d"
    )
    assert not scene.last
    scene.change(model="openai/x", confirm="never")
    assert scene.last == (SettingsChanged(model="openai/x"),)
    assert scene.state.life.settings == settings(model="openai/x")


def test_b46_another_script_starts_at_its_first_line_and_the_same_one_goes_on() -> None:
    scene = Scene().running().step("", THINK).ask().fail("timeout").fire()
    assert scene.line == 2
    assert scene.change(model="script:s").line == 2
    assert scene.change(model="script:other").line == 0
    assert scene.step("", THINK).line == 1
    assert scene.change(model="script:s").line == 2, "what was accepted from a script stays accepted"


def test_b46_an_answer_to_the_model_before_uses_up_no_line_of_the_next_one() -> None:
    scene = Scene().running().ask().change(model="script:other").hear("", THINK)
    assert scene.line == 0
    assert scene.step("", THINK).line == 1
    assert scene.change(model="script:s").line == 1


def test_late_answers_and_abandoned_asks_use_up_no_line() -> None:
    scene = Scene().running().ask()
    ask = scene.state.version
    scene.claim().hear("", RUN, ask=ask).ask()
    assert scene.of(ModelAsked)[-1].script_line == 0
    assert scene.hear("", NO_TOOL).line == 1


def test_a_session_without_a_model_never_asks_one() -> None:
    scene = Scene().start(task="x", model=None).connect().recall()
    assert scene.agent == "awaiting_user_input"
    assert "no model" in scene.reason()


def reenacting(*, model: str | None = None, confirm: str = "never", strict: bool = False) -> Scene:
    scene = Scene().start(task=None, reenacts="r", strict=strict, model=model, confirm=confirm)
    return scene.connect()


def test_b52_a_recording_is_carried_out_in_order_and_messages_do_not_wait() -> None:
    scene = reenacting()
    assert scene.owes(ReadRecording)
    scene.reenact(3, message="do it").recall()
    scene.reenact(5, action=Run(command="ls"))
    assert scene.owes(Execute)
    scene.observe()
    scene.reenact(7, action=Message(content="what now?"))
    assert scene.owes(ReadRecording)
    scene.reenact(8, message="go on").recall().reenact(9, action=Finish())
    assert scene.agent == "running"
    assert scene.end_recording(10).agent == "finished"
    assert scene.of(ModelAsked) == []


def test_b52_a_recording_that_ends_with_a_message_awaits_input() -> None:
    assert (
        reenacting().reenact(1, action=Message(content="hi")).end_recording(2).agent == "awaiting_user_input"
    )


def test_b52_a_recording_that_ends_in_neither_awaits_input_without_a_model() -> None:
    scene = reenacting().reenact(1, action=Run(command="ls")).observe().end_recording(2)
    assert scene.agent == "awaiting_user_input"
    assert scene.of(ModelAsked) == []


def test_b52_with_a_model_the_model_goes_on_where_the_recording_ends() -> None:
    scene = reenacting(model="script:s").reenact(1, action=Run(command="ls")).observe().end_recording(2)
    assert scene.owes(PrepareAsk)


def test_b52_a_person_who_writes_during_a_recording_is_heard_at_its_end() -> None:
    scene = reenacting(model="script:s").reenact(1, message="do it").recall()
    scene.reenact(3, action=Run(command="ls")).say("and mind the dot files").recall().observe()
    scene.reenact(5, action=Finish()).end_recording(6)
    assert scene.agent == "running"
    assert scene.owes(PrepareAsk)


def test_b52_what_was_said_in_the_recording_was_heard_there() -> None:
    scene = reenacting(model="script:s").reenact(1, message="do it").recall()
    scene.reenact(3, action=Finish()).end_recording(4)
    assert scene.agent == "finished"


def test_b52_an_empty_recording_awaits_input() -> None:
    assert reenacting().end_recording(0).agent == "awaiting_user_input"


def test_b51_an_unknown_kind_is_answered_tool_not_available() -> None:
    scene = reenacting().reenact(1, action=Other(name="run_ipython"))
    (answer,) = scene.answers(scene.state.version - 1)
    assert isinstance(answer, Failure)
    assert "tool not available" in answer.content


def test_b53_strict_ends_in_error_at_the_first_difference() -> None:
    scene = reenacting(strict=True).reenact(1, action=Run(command="ls")).observe()
    assert scene.end_recording(1 + 1, diverged=True).agent == "error"
    assert "differs" in scene.reason()


def test_b52_a_recorded_step_needs_no_approval() -> None:
    assert reenacting(confirm="always").reenact(1, action=Run(command="ls")).owes(Execute)


def test_b52_a_pause_in_a_recording_goes_on_where_it_was() -> None:
    scene = reenacting().reenact(1, action=Run(command="ls")).pause().observe().resume()
    assert scene.owes(ReadRecording)


def test_b52_a_driver_killed_in_a_recording_goes_on_where_it_was() -> None:
    scene = reenacting().reenact(1, action=Run(command="ls")).claim().connect("r2").observe()
    assert scene.owes(ReadRecording)
    assert AskModel not in {type(effect) for effect in due(scene.state)}
