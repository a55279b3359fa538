"""What a follower owes: again once it was not wanted for a moment; and up again if its Session was down."""

from typing import Any, override

import pytest

from refold.actors.dispatch.port import ActorFailed
from refold.actors.dispatch.stepper import Stepper
from refold.actors.follower import Follower
from refold.actors.models.fake import says
from refold.actors.session.actor import SessionActor
from refold.actors.session.due import Effect, owed
from refold.actors.session.evolve import fold, states_after
from refold.actors.session.messages import Committed, PerformAgain, controller_name
from refold.actors.session.state import initial_state
from refold.actors.sessions import Sessions
from refold.eventlog.events import AgentStateChanged, Event, SessionStarted
from refold.eventlog.log import Append, Appended, Entry
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.record import Given
from refold.testing.crash import IDENTITY, STREAM
from refold.testing.world import SmallWorld
from tests.behaviour.scenes import FINISH, claim, settings

START = SessionStarted(settings=settings(), task="do it")


class Noting(Follower):
    """Notes what it would perform."""

    noted: list[str]

    @override
    def perform(self, effect: Effect) -> None:
        self.noted.append(effect.key)

    @override
    def on_outcome(self, message: Any) -> None:
        raise TypeError(message)


def commit(log: MemoryLog, expected: int, *events: Event) -> Appended:
    given = Given(id=f"c{expected}", kind="Test", at=0, by="system")
    entry = Entry(given=given, events=events)
    return log.commit(Append(stream=STREAM, expected=expected, epoch=1, entries=(entry,)))


def test_what_was_not_due_for_a_moment_is_performed_again() -> None:
    log, stepper, noted = MemoryLog(), Stepper(), list[str]()
    commit(log, -1, START, claim(1))

    met = fold(initial_state(), log.read(STREAM))

    def make() -> Noting:
        follower = Noting(stepper, "noting", STREAM, log, met)
        follower.noted = noted
        return follower

    stepper.spawn("noting", make)
    stepper.run()
    paused = commit(log, 1, AgentStateChanged(state="paused"), AgentStateChanged(state="loading"))
    states = states_after(met, [r.event for r in paused.records])
    stepper.tell("noting", Committed(paused.records, states, tuple(map(owed, states))))
    stepper.run()
    assert noted == ["connect/1/0/0"] * 2


def test_a_follower_does_not_act_on_what_another_driver_claimed() -> None:
    log, stepper, noted = MemoryLog(), Stepper(), list[str]()
    commit(log, -1, START, claim(1))
    met = fold(initial_state(), log.read(STREAM))
    commit(log, 1, claim(2))

    def make() -> Noting:
        follower = Noting(stepper, "noting", STREAM, log, met)
        follower.noted = noted
        return follower

    stepper.spawn("noting", make)
    stepper.tell("noting", PerformAgain())
    stepper.run()
    assert noted == ["connect/1/0/0"] * 2


def test_a_follower_whose_failure_was_told_to_a_session_that_failed_is_rebuilt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, stepper = MemoryLog(), Stepper(1)
    sessions = Sessions(stepper, log, SmallWorld([says("", FINISH)]), IDENTITY)
    sessions.start(STREAM, START)
    stepper.run(lambda: controller_name(STREAM) in stepper.names())

    def fails(_: SessionActor, failed: ActorFailed) -> None:
        monkeypatch.undo()
        raise ZeroDivisionError(failed.name)

    monkeypatch.setattr(SessionActor, "_supervise", fails)
    stepper.tell(controller_name(STREAM), "nothing that it knows")
    stepper.run()
    assert sessions.state(STREAM).agent.state == "finished"
