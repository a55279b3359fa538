"""Who drives a session: of several that claim it, one; and whoever does not, writes nothing."""

from typing import TYPE_CHECKING

import pytest

from refold.actors.dispatch.choices import Victim
from refold.actors.dispatch.choosers import Replay
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import ScriptedModel
from refold.actors.session.commands import ContinueAgent, PauseAgent, SendMessage
from refold.actors.session.messages import Fenced, Reply, session_name
from refold.actors.sessions import Sessions
from refold.eventlog.events import MessageReceived, SessionStarted
from refold.eventlog.memory_log import MemoryLog
from refold.testing.crash import IDENTITY, STREAM, Lived, live
from refold.testing.disk import Disk
from refold.testing.rival import claim
from refold.testing.scenarios import DELEGATING
from refold.testing.world import SmallWorld
from tests.session.test_crash import LINES, START, check

if TYPE_CHECKING:
    from refold.actors.supervisor import Trouble


@pytest.mark.parametrize("version", [3, 9, 17, 25])
def test_b47_another_drivers_claim_fences_this_one_at_once(version: int) -> None:
    troubles: list[Trouble] = []
    log, world, stepper = MemoryLog(id=bytes(16)), SmallWorld(LINES), Stepper(version)
    sessions = Sessions(stepper, log, world, IDENTITY, troubles.append)
    sessions.start(STREAM, START)
    assert stepper.run(lambda: log.end > version)
    claim(log, STREAM, 0, IDENTITY.code)
    end = log.end
    assert stepper.run()
    assert log.end == end, "a fenced driver wrote"
    assert [type(trouble) for trouble in troubles] == [Fenced]
    assert not [name for name in stepper.names() if name.endswith(("controller", "memory", "runtime"))]
    replies = stepper.listen("person")
    sessions.tell(STREAM, ContinueAgent(id="late", at=0), reply_to="person")
    stepper.run()
    assert replies.get_nowait().error is not None  # type: ignore[attr-defined]
    world.runner.connect(epoch=2)
    check(live(stepper, world, START, log=log), world)


def test_a_session_that_dies_of_learning_of_another_claim_is_fenced_when_it_is_rebuilt() -> None:
    claimed: list[bool] = []
    troubles: list[Trouble] = []

    def aim(actor: str, label: str) -> Victim | None:
        if claimed and actor == session_name(STREAM) and label == "tell":
            claimed.clear()
            return "actor"
        return None

    log, world, stepper = MemoryLog(id=bytes(16)), SmallWorld(LINES), Stepper(chooser=Replay(), aim=aim)
    sessions = Sessions(stepper, log, world, IDENTITY, troubles.append)
    sessions.start(STREAM, START)
    assert stepper.run(lambda: log.end > 9)
    claim(log, STREAM, 0, IDENTITY.code)
    claimed.append(True)
    end = log.end
    assert stepper.run()
    replies = stepper.listen("person")
    sessions.tell(STREAM, SendMessage(id="late", at=0, fact=MessageReceived(content="?")), reply_to="person")
    assert stepper.run()
    assert log.end == end, "an older driver wrote"
    assert Fenced in {type(trouble) for trouble in troubles}
    reply = replies.get_nowait()
    assert isinstance(reply, Reply)
    assert reply.error is not None


@pytest.mark.parametrize("retired", range(8))
def test_a_system_that_dies_of_letting_go_of_a_fenced_family_lets_go_of_the_rest(retired: int) -> None:
    retirements: list[str] = []
    troubles: list[Trouble] = []

    def aim(actor: str, label: str) -> Victim | None:
        if (actor, label) != ("system", "retire"):
            return None
        retirements.append(label)
        return "actor" if len(retirements) == retired + 1 else None

    stepper, log, world = (
        Stepper(chooser=Replay(), aim=aim),
        MemoryLog(id=bytes(16)),
        SmallWorld(DELEGATING.lines),
    )
    world.scripts.update({name: ScriptedModel(lines) for name, lines in DELEGATING.scripts.items()})
    sessions = Sessions(stepper, log, world, IDENTITY, troubles.append)
    sessions.start(STREAM, SessionStarted(settings=DELEGATING.settings, task="do it"))
    assert stepper.run(lambda: f"{STREAM}~9~14/controller" in stepper.names())
    claim(log, STREAM, 0, IDENTITY.code)
    sessions.tell(STREAM, PauseAgent(id="pause", at=0))
    assert stepper.run()
    assert Fenced in {type(trouble) for trouble in troubles}
    assert not [name for name in stepper.names() if "~" in name]


def test_b47_of_two_claims_of_one_epoch_one_drives() -> None:
    log, world, stepper = MemoryLog(id=bytes(16)), SmallWorld(LINES), Stepper(3)
    sessions = Sessions(stepper, log, world, IDENTITY)
    sessions.start(STREAM, START)
    stepper.run(lambda: log.end > 9)
    stepper.crash_all()
    sessions = Sessions(stepper, log, world, IDENTITY)
    replies = stepper.listen("person")
    sessions.claim(STREAM, reply_to="person")
    claim(log, STREAM, 0, IDENTITY.code)
    end = log.end
    stepper.run()
    reply = replies.get_nowait()
    assert isinstance(reply, Reply)
    assert reply.refused or reply.error
    assert log.end == end


def test_a_session_that_is_rebuilt_while_its_claim_is_written_drives() -> None:
    crashes: list[Victim] = []
    troubles: list[Trouble] = []

    def aim(actor: str, label: str) -> Victim | None:
        return crashes.pop() if crashes and (actor, label) == (session_name(STREAM), "after append") else None

    stepper, world = Stepper(chooser=Replay(), aim=aim), SmallWorld(LINES)
    log = Disk(stepper, MemoryLog(id=bytes(16)), lambda record: None)  # noqa: ARG005 - nobody watches
    Sessions(stepper, log, world, IDENTITY).start(STREAM, START)
    stepper.run(lambda: log.end > 9)
    stepper.crash_all()
    log.crash()
    crashes.append("actor")
    sessions = Sessions(stepper, log, world, IDENTITY, troubles.append)
    sessions.claim(STREAM)
    stepper.run()
    assert troubles == []
    check(Lived(log, sessions.state(STREAM), 1, stepper), world)


def test_a_rebuilt_session_does_not_refuse_on_what_its_own_append_has_overtaken() -> None:
    crashes: list[Victim] = []

    def aim(actor: str, label: str) -> Victim | None:
        return crashes.pop() if crashes and (actor, label) == (session_name(STREAM), "after append") else None

    stepper, world = Stepper(chooser=Replay(), aim=aim), SmallWorld(LINES)
    log = Disk(stepper, MemoryLog(id=bytes(16)), lambda record: None, pace=(2, 3))  # noqa: ARG005
    sessions = Sessions(stepper, log, world, IDENTITY)
    sessions.start(STREAM, START)
    stepper.run()
    end = log.end
    crashes.append("actor")
    sessions.tell(STREAM, SendMessage(id="more", at=0, fact=MessageReceived(content="go on")))
    stepper.run(lambda: log.end > end)
    assert sessions.state(STREAM).agent.state == "running", "it is in the log, and nobody has told Session"
    replies = stepper.listen("person")
    sessions.tell(STREAM, PauseAgent(id="pause", at=0), reply_to="person")
    stepper.run()
    reply = replies.get_nowait()
    assert isinstance(reply, Reply)
    assert (reply.refused, [record.type for record in reply.records]) == (None, ["AgentStateChanged"])


def test_who_was_refused_the_claim_decides_nothing() -> None:
    log, world, stepper = MemoryLog(id=bytes(16)), SmallWorld(LINES), Stepper(chooser=Replay())
    sessions = Sessions(stepper, log, world, IDENTITY)
    sessions.start(STREAM, START)
    stepper.run(lambda: log.end > 9)
    stepper.crash_all()
    sessions = Sessions(stepper, log, world, IDENTITY)
    sessions.claim(STREAM)
    claim(log, STREAM, 0, IDENTITY.code)
    end = log.end
    replies = stepper.listen("person")
    sessions.tell(STREAM, SendMessage(id="late", at=0, fact=MessageReceived(content="?")), reply_to="person")
    stepper.run()
    assert log.end == end, "who has no claim wrote"
    reply = replies.get_nowait()
    assert isinstance(reply, Reply)
    assert reply.error is not None


def test_a_claim_in_the_process_that_drives_takes_over_from_itself() -> None:
    log, world, stepper = MemoryLog(id=bytes(16)), SmallWorld(LINES), Stepper(5)
    sessions = Sessions(stepper, log, world, IDENTITY)
    sessions.start(STREAM, START)
    for version in (5, 15, 30):
        stepper.run(lambda version=version: log.end > version)  # type: ignore[misc]
        sessions.claim(STREAM)
    stepper.run()
    check(Lived(log, sessions.state(STREAM), 0, stepper), world)
