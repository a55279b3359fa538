"""The session and its runner when one of them is away: what runs on, is interrupted, is lost twice."""

from typing import override

import pytest

from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import says
from refold.actors.models.port import OnGlimpse
from refold.actors.runtime.port import HandsLost
from refold.actors.session.commands import SendMessage, StopAgent
from refold.actors.sessions import Sessions
from refold.eventlog.actions import Action
from refold.eventlog.events import (
    ActionStarted,
    AgentStateChanged,
    LateResultRecorded,
    MessageReceived,
    ModelFailed,
    ObservationRecorded,
    RuntimeConnected,
    RuntimeLost,
    SessionStarted,
)
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import Observation, RunOutput
from refold.testing.crash import IDENTITY, STREAM
from refold.testing.world import SmallHands, SmallWorld
from tests.behaviour.scenes import FINISH, RUN, settings

START = SessionStarted(settings=settings(), task="do it")


class Flaky(SmallWorld):
    """A world whose connection breaks so many times before it holds; the runner itself lives on."""

    def __init__(self, breaks: int) -> None:
        super().__init__([says("", RUN), says("", FINISH)])
        self.breaks = breaks

    @override
    def way_to_runner(self, stream: str) -> "FlakyHands":
        return FlakyHands(self)


class FlakyHands(SmallHands):
    def __init__(self, world: Flaky) -> None:
        super().__init__(world)
        self._flaky = world

    @override
    def execute(
        self, key: str, digest: str, action: Action, *, started_in: str, on_glimpse: OnGlimpse | None = None
    ) -> Observation:
        if self._flaky.breaks:
            self._flaky.breaks -= 1
            raise HandsLost("the connection broke")
        return super().execute(key, digest, action, started_in=started_in, on_glimpse=on_glimpse)


def play(world: SmallWorld, seed: int = 0) -> tuple[Sessions, Stepper, MemoryLog]:
    stepper, log = Stepper(seed), MemoryLog(id=bytes(16))
    return Sessions(stepper, log, world, IDENTITY), stepper, log


def facts[E](log: MemoryLog, kind: type[E]) -> list[E]:
    return [record.event for record in log.read(STREAM) if isinstance(record.event, kind)]


@pytest.mark.parametrize("seed", range(4))
def test_a_connection_to_the_same_runner_that_breaks_twice_is_made_twice(seed: int) -> None:
    world = Flaky(2)
    sessions, stepper, log = play(world, seed)
    sessions.start(STREAM, START)
    stepper.run()
    assert sessions.state(STREAM).agent.state == "finished"
    assert len(facts(log, RuntimeLost)) == 2
    assert len({connected.incarnation for connected in facts(log, RuntimeConnected)}) == 1
    assert set(world.runner.effects.values()) == {1}


def test_a_connection_that_always_breaks_is_an_error_and_a_message_tries_again() -> None:
    world = Flaky(3)
    sessions, stepper, log = play(world)
    sessions.start(STREAM, START)
    stepper.run()
    assert sessions.state(STREAM).agent.state == "error"
    assert "3 times in a row" in facts(log, AgentStateChanged)[-1].reason
    said = SendMessage(id="m", at=0, by="user", fact=MessageReceived(content="again"))
    sessions.tell(STREAM, said)
    stepper.run()
    assert sessions.state(STREAM).agent.state == "finished"


@pytest.mark.parametrize("seed", range(4))
def test_stop_interrupts_what_runs_and_its_result_is_late(seed: int) -> None:
    world = SmallWorld([says("", RUN), says("", FINISH)])
    sessions, stepper, log = play(world, seed)
    sessions.start(STREAM, START)
    stepper.run(lambda: bool(log.end) and bool(facts(log, ActionStarted)))
    sessions.tell(STREAM, StopAgent(id="stop", at=0, by="user"))
    stepper.run()
    assert sessions.state(STREAM).agent.state == "stopped"
    assert len(facts(log, ObservationRecorded)) == 1
    stopped = not isinstance(facts(log, ObservationRecorded)[0].observation, RunOutput)
    assert len(facts(log, LateResultRecorded)) == (1 if stopped and world.runner.effects else 0)
    assert bool(world.runner.interrupted) == stopped


def test_a_driver_that_dies_before_the_runner_is_told_to_stop_leaves_that_to_the_next_one() -> None:
    world = SmallWorld([says("", RUN), says("", FINISH)])
    sessions, stepper, log = play(world)
    sessions.start(STREAM, START)
    stepper.run(lambda: bool(log.end) and bool(facts(log, ActionStarted)))
    sessions.tell(STREAM, StopAgent(id="stop", at=0, by="user"))
    stepper.run(lambda: sessions.state(STREAM).agent.state == "stopped")
    stepper.crash_all()
    world.runner.interrupted.clear()
    sessions = Sessions(stepper, log, world, IDENTITY)
    sessions.claim(STREAM)
    sessions.tell(STREAM, SendMessage(id="m", at=0, by="user", fact=MessageReceived(content="go on")))
    stepper.run()
    (action,) = (record.cause for record in log.read(STREAM) if isinstance(record.event, ActionStarted))
    assert world.runner.interrupted == [f"{log.id.hex()}/{STREAM}/{action}"]
    assert sessions.state(STREAM).agent.state == "finished"


def test_a_script_that_has_run_out_is_not_retried() -> None:
    world = SmallWorld([says("", RUN)])
    sessions, stepper, log = play(world)
    sessions.start(STREAM, START)
    stepper.run()
    assert sessions.state(STREAM).agent.state == "error"
    (failed,) = facts(log, ModelFailed)
    assert failed.fault == "script_exhausted"


def test_the_clock_stands_still_only_for_those_who_wait() -> None:
    """A retry waits for as long as the provider asked, and no longer."""
    world = SmallWorld(
        [ModelFailed(fault="overloaded", message="busy", retry_after_s=30.0), says("", FINISH)]
    )
    sessions, stepper, _ = play(world)
    sessions.start(STREAM, START)
    begun = stepper.now_ns()
    stepper.run()
    assert sessions.state(STREAM).agent.state == "finished"
    assert 30.0 <= (stepper.now_ns() - begun) / 1e9 <= 33.1
