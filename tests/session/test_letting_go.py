"""Whoever is let go of begins nothing more, whatever its actors were in the middle of on other threads."""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, override

import pytest

from refold.actors.dispatch.choosers import Replay
from refold.actors.dispatch.pool import PoolDispatcher
from refold.actors.dispatch.stepper import Stepper
from refold.actors.drive import Drive
from refold.actors.models.fake import ScriptedModel
from refold.actors.runtime.port import HandsPort
from refold.actors.session.commands import CloseSession
from refold.actors.session.messages import SYSTEM, Fenced, Submit, session_name
from refold.actors.sessions import Sessions
from refold.eventlog.events import SessionStarted
from refold.eventlog.log import LogError
from refold.eventlog.memory_log import MemoryLog
from refold.testing.crash import IDENTITY, STREAM
from refold.testing.puppet import Puppet
from refold.testing.scenarios import DELEGATING
from refold.testing.world import SmallWorld

if TYPE_CHECKING:
    from refold.actors.supervisor import Trouble

WAIT_S = 20.0
DELEGATE = f"{STREAM}~9"
START = SessionStarted(settings=DELEGATING.settings, task="do it")


class Gate:
    """Holds up the first thread that comes by, until it is opened."""

    def __init__(self) -> None:
        self._reached, self._open = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        self._reached.set()
        assert self._open.wait(WAIT_S)

    def when_somebody_waits(self, act: Callable[[], None]) -> None:
        assert self._reached.wait(WAIT_S)
        act()
        self._open.set()


class SlowWorld(SmallWorld):
    """Takes its time to say what a session's hands are."""

    def __init__(self, slow: str, gate: Gate) -> None:
        super().__init__(DELEGATING.lines)
        self.scripts.update({name: ScriptedModel(lines) for name, lines in DELEGATING.scripts.items()})
        self._slow, self._gate = slow, gate

    @override
    def hands(self, stream: str) -> HandsPort:
        if stream == self._slow:
            self._gate.pass_through()
        return super().hands(stream)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def pool(gate: Gate) -> Iterator[PoolDispatcher]:
    """Give turns on threads, where Session's are held up at the gate before it calls its followers."""
    dispatcher = PoolDispatcher(
        on_point=lambda label: gate.pass_through() if label == "before publish" else None
    )
    yield dispatcher
    assert dispatcher.close(WAIT_S)


def test_a_delegate_that_was_about_to_be_adopted_stays_alone(gate: Gate) -> None:
    pool, log = PoolDispatcher(), MemoryLog(id=bytes(16))
    sessions = Sessions(pool, log, SlowWorld(DELEGATE, gate), IDENTITY)
    sessions.start(STREAM, START)
    gate.when_somebody_waits(lambda: sessions.let_go(STREAM))
    assert pool.quiesce(WAIT_S)
    assert pool.names() == (SYSTEM,)
    assert [record.type for record in log.read(DELEGATE)] == ["SessionStarted", "SessionClaimed"]
    assert not sessions.drives(DELEGATE)
    assert pool.close(WAIT_S)


def test_a_delegate_that_was_about_to_be_adopted_when_its_parent_was_fenced_stays_alone(gate: Gate) -> None:
    pool, log = PoolDispatcher(), MemoryLog(id=bytes(16))
    told = threading.Event()
    sessions = Sessions(pool, log, SlowWorld(DELEGATE, gate), IDENTITY, lambda _: told.set())
    claim = sessions.start(STREAM, START)

    def fence() -> None:
        pool.tell(SYSTEM, Fenced(STREAM, LogError("the disk does not answer"), claim))
        assert told.wait(WAIT_S)

    gate.when_somebody_waits(fence)
    assert pool.quiesce(WAIT_S)
    assert not [name for name in pool.names() if name.startswith(DELEGATE)]
    assert [record.type for record in log.read(DELEGATE)] == ["SessionStarted", "SessionClaimed"]
    assert pool.close(WAIT_S)


def test_a_session_that_was_about_to_call_its_followers_stays_alone(gate: Gate, pool: PoolDispatcher) -> None:
    sessions = Sessions(pool, MemoryLog(id=bytes(16)), SmallWorld(DELEGATING.lines), IDENTITY)
    sessions.start(STREAM, START)
    gate.when_somebody_waits(lambda: sessions.let_go(STREAM))
    assert pool.quiesce(WAIT_S)
    assert pool.names() == (SYSTEM,)


def test_who_acts_for_an_earlier_claim_begins_nothing_and_says_nothing() -> None:
    sessions, stepper, claim = _family()
    earlier = Drive(stepper, sessions, STREAM, claim)
    sessions.claim(STREAM)
    assert stepper.run(lambda: session_name(DELEGATE) in stepper.names())
    names = stepper.names()
    earlier.tell(DELEGATE, Submit(command=CloseSession(id="late", at=0, reason="it was so before")))
    earlier.let_go(DELEGATE)
    earlier.adopt(DELEGATE, claim)
    earlier.spawn("late", lambda: Puppet(stepper, "late", "nobody"))
    assert stepper.names() == names
    assert stepper.run()
    assert sessions.log.find("late") is None
    assert sessions.state(STREAM).agent.state == "finished"


def test_who_was_fenced_before_the_session_was_claimed_again_troubles_nobody() -> None:
    troubles: list[Trouble] = []
    sessions, stepper, claim = _family(troubles)
    sessions.claim(STREAM)
    stepper.tell(SYSTEM, Fenced(STREAM, LogError("late"), claim))
    assert stepper.run()
    assert troubles == []
    assert sessions.state(STREAM).agent.state == "finished"


def _family(troubles: "list[Trouble] | None" = None) -> tuple[Sessions, Stepper, str]:
    """Return a session whose delegate is at work, with its claim."""
    stepper, world = Stepper(chooser=Replay()), SmallWorld(DELEGATING.lines)
    world.scripts.update({name: ScriptedModel(lines) for name, lines in DELEGATING.scripts.items()})
    heard: list[Trouble] = [] if troubles is None else troubles
    sessions = Sessions(stepper, MemoryLog(id=bytes(16)), world, IDENTITY, heard.append)
    claim = sessions.start(STREAM, START)
    assert stepper.run(lambda: f"{DELEGATE}/reporter" in stepper.names())
    return sessions, stepper, claim
