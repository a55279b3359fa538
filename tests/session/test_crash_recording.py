"""A recorded session carried out again and killed on the way: the same actions, once each, no model."""

import pytest

from refold.actors.dispatch.faults import ProcessDied
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import says
from refold.actors.session.state import State
from refold.actors.session.verify import verify
from refold.actors.sessions import Sessions
from refold.eventlog.events import ActionProposed, ModelAsked, ObservationRecorded, SessionStarted
from refold.eventlog.log import EventLog
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import Observation, RunOutput
from refold.testing.crash import IDENTITY, STREAM, live
from refold.testing.world import SmallWorld
from tests.behaviour.scenes import EDIT, FINISH, RUN, THINK, settings

LINES = (says("", RUN, THINK), says("I look", EDIT, RUN), says("", RUN, FINISH))
AGAIN = "again"


def recorded() -> EventLog:
    log = MemoryLog(id=bytes(16))
    live(Stepper(0), SmallWorld(LINES), SessionStarted(settings=settings(), task="do it"), log=log)
    return log


def reenact(log: EventLog, world: SmallWorld, stepper: Stepper, *, strict: bool = False) -> State:
    start = SessionStarted(settings=settings(model=None), reenacts=STREAM, strict=strict)
    for _ in range(50):
        sessions = Sessions(stepper, log, world, IDENTITY)
        try:
            if log.head(AGAIN) is None:
                sessions.start(AGAIN, start)
            else:
                sessions.claim(AGAIN)
            stepper.run()
            return sessions.state(AGAIN)
        except ProcessDied:
            continue
    raise AssertionError("no rest")


def of[E](log: EventLog, stream: str, kind: type[E]) -> list[E]:
    return [record.event for record in log.read(stream) if isinstance(record.event, kind)]


@pytest.mark.parametrize("seed", range(8))
def test_b52_a_recording_is_carried_out_again_once_however_often_its_driver_dies(seed: int) -> None:
    log, world = recorded(), SmallWorld()
    state = reenact(log, world, Stepper(1 + seed, faults=seed % 4, process_faults=True))
    assert state.agent.state == "finished"
    assert [event.action for event in of(log, AGAIN, ActionProposed)] == [
        event.action for event in of(log, STREAM, ActionProposed)
    ]
    assert set(world.runner.effects.values()) == {1}
    assert not world.scripted.requests
    assert of(log, AGAIN, ModelAsked) == []
    assert verify(log, AGAIN).divergence is None


@pytest.mark.parametrize("seed", range(4))
def test_b53_strict_stops_at_the_first_difference(seed: int) -> None:
    def otherwise(key: str, action: object) -> Observation:
        del key, action
        return RunOutput(content="something else", exit_code=1)

    log = recorded()
    state = reenact(log, SmallWorld(answer=otherwise), Stepper(1 + seed), strict=True)
    assert state.agent.state == "error"
    assert len(of(log, AGAIN, ObservationRecorded)) == 1


def test_b53_without_strict_it_goes_on() -> None:
    def otherwise(key: str, action: object) -> Observation:
        del key, action
        return RunOutput(content="something else", exit_code=1)

    log = recorded()
    assert reenact(log, SmallWorld(answer=otherwise), Stepper(1)).agent.state == "finished"
