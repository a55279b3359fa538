"""Rules 1, 4, 5 and 36: how a session begins."""

from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import says
from refold.actors.session.commands import StartSession
from refold.actors.session.messages import Reply
from refold.actors.sessions import Sessions
from refold.eventlog.events import AgentStateChanged, MessageReceived, RecallRecorded, SessionStarted
from refold.eventlog.memory_log import MemoryLog
from refold.testing.crash import IDENTITY, STREAM, live
from refold.testing.world import SmallWorld
from tests.behaviour.scenes import AT, FINISH, Connect, PrepareAsk, Recall, Scene, claim, settings


def test_b01_before_start_nothing_happens() -> None:
    log, stepper, world = MemoryLog(), Stepper(), SmallWorld()
    Sessions(stepper, log, world, IDENTITY)
    stepper.run()
    assert log.end == 0
    assert stepper.names() == ("system",)
    assert not world.scripted.requests


def test_b04_the_first_commit_holds_the_whole_start_and_the_task() -> None:
    scene = Scene().start("do it")
    started = scene.session.events[0]
    assert isinstance(started, SessionStarted)
    assert started.task == "do it"
    assert scene.types() == ["SessionStarted", "SessionClaimed"]
    assert scene.owes(Connect)


def test_b04_a_task_becomes_a_message_when_the_start_is_through_and_then_the_agent_runs() -> None:
    scene = Scene().start("do it").connect()
    assert scene.types()[2:] == [
        "RuntimeConnected",
        "SystemMessageAdded",
        "AgentStateChanged",
        "MessageReceived",
    ]
    assert scene.of(MessageReceived) == [MessageReceived(content="do it", by="user")]
    assert scene.agent == "running"


def test_b04_without_a_task_it_awaits_input() -> None:
    assert Scene().start(None).connect().agent == "awaiting_user_input"


def test_b04_killed_right_after_the_first_commit_it_needs_no_message() -> None:
    log, world = MemoryLog(id=bytes(16)), SmallWorld([says("", FINISH)])
    first = Stepper(1)
    Sessions(first, log, world, IDENTITY).start(STREAM, SessionStarted(settings=settings(), task="do it"))
    first.run(lambda: log.end > 0)
    lived = live(Stepper(2), world, SessionStarted(settings=settings()), log=log)
    assert lived.state.agent.state == "finished"
    messages = [record.event for record in log.read(STREAM) if isinstance(record.event, MessageReceived)]
    assert [message.content for message in messages] == ["do it"]


def test_b04_a_message_that_comes_before_the_start_is_through_stands_behind_the_task() -> None:
    for scene in (
        Scene().start("do it").say("and that").connect(),
        Scene().start("do it").pause().say("and that").resume().connect(),
        Scene().start("do it").unconnected().say("and that").connect(),
        Scene().start("do it").stop().say("and that").connect(),
        Scene().start("do it").unconnected().close().claim().say("and that").connect(),
    ):
        assert [message.content for message in scene.of(MessageReceived)] == ["do it", "and that"]
        assert scene.agent == "running"
        assert scene.recall().owes(PrepareAsk)


def test_b04_a_start_that_failed_goes_on_with_continue() -> None:
    scene = Scene().start("do it").unconnected().go_on()
    assert scene.agent == "loading"
    assert scene.connect().agent == "running"
    assert [message.content for message in scene.of(MessageReceived)] == ["do it"]


def test_b05_a_second_start_is_refused_and_so_is_one_after_close() -> None:
    again = StartSession(id="again", at=AT, fact=SessionStarted(settings=settings()), claim=claim(1))
    Scene().start().refuses(again, "started before")
    Scene().start().close().refuses(again, "started before")


def test_b05_a_second_start_records_nothing() -> None:
    log, stepper, world = MemoryLog(), Stepper(), SmallWorld([says("hi")])
    sessions = Sessions(stepper, log, world, IDENTITY)
    sessions.start(STREAM, SessionStarted(settings=settings(), task="do it"))
    stepper.run()
    end, replies = log.end, stepper.listen("person")
    sessions.start(STREAM, SessionStarted(settings=settings(), task="again"), reply_to="person")
    stepper.run()
    reply = replies.get_nowait()
    assert isinstance(reply, Reply)
    assert reply.refused == "the session was started before"
    assert log.end == end


def test_b36_the_first_message_recalls_the_workspace_and_each_later_one_knowledge() -> None:
    scene = Scene().start().connect().recall().step("hi").say().recall()
    assert [recall.recall for recall in scene.of(RecallRecorded)] == ["workspace_context", "knowledge"]
    assert [recall.cause for recall in scene.of(RecallRecorded)] == [
        version for version, event in enumerate(scene.session.events) if isinstance(event, MessageReceived)
    ]


def test_b36_recall_happens_once_per_message_also_after_a_restart() -> None:
    scene = Scene().start().connect().claim()
    assert scene.owes(Connect, Recall)
    scene.recall().close().claim()
    assert scene.owes(Connect, PrepareAsk)


def test_b35_a_start_names_its_sandbox_and_the_prompt_its_workspace() -> None:
    scene = Scene().start().connect()
    assert "/w" in scene.session.events[3].content  # type: ignore[union-attr]
    boxed = Scene().start(sandbox="bubblewrap").connect()
    assert "/workspace" in boxed.session.events[3].content  # type: ignore[union-attr]
    assert [event.state for event in scene.of(AgentStateChanged)] == ["running"]
