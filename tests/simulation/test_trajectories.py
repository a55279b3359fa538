"""What was recorded elsewhere and re-enacts on real threads gives the same events in simulation."""

from pathlib import Path
from typing import cast, override

import msgspec
import pytest

from refold.actors.dispatch.stepper import Stepper
from refold.actors.sessions import Sessions
from refold.cli.trajectory import import_into
from refold.eventlog.actions import Action
from refold.eventlog.events import ObservationRecorded, RecallRecorded, SessionStarted
from refold.eventlog.log import EventLog
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import Observation
from refold.eventlog.record import Record
from refold.eventlog.settings import Settings
from refold.system import System
from refold.testing.crash import IDENTITY
from refold.testing.world import SmallWorld
from tests.formats.streams import REAL, TRAJECTORIES

AGAIN = "again"
OURS = {"incarnation", "host", "pid", "process_started", "code"}
"""What differs from one process and one machine to the next."""
OF_RUNNERS = {"workspace", "notice", "seconds"}
"""What a runner says of itself when it is there."""
PATIENCE_S = 120


class RecordedWorld(SmallWorld):
    """Answers what was answered before: observations by their action, recalls by their message."""

    def __init__(self, records: list[Record]) -> None:
        events = [record.event for record in records]
        self._observations = {e.cause: e.observation for e in events if isinstance(e, ObservationRecorded)}
        self._recalls = [event for event in events if isinstance(event, RecallRecorded)]
        super().__init__(answer=self._answer)

    def _answer(self, key: str, action: Action) -> Observation:
        del action
        return self._observations[int(key.rpartition("/")[2])]

    @override
    def workspace(self, settings: Settings, text: str, now_ns: int, place: str = "") -> RecallRecorded:
        return self._recalls.pop(0)

    @override
    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:
        return self._recalls.pop(0)


def events(log: EventLog) -> list[object]:
    return [_plain(msgspec.to_builtins(record.event)) for record in log.read(AGAIN)]


def _plain(value: object) -> object:
    match value:
        case dict():
            fields = cast("dict[str, object]", value)
            apart = OURS | OF_RUNNERS if fields.get("type") == "RuntimeConnected" else OURS
            return {key: _plain(each) for key, each in fields.items() if key not in apart}
        case list():
            return [_plain(each) for each in cast("list[object]", value)]
        case _:
            return value


@pytest.mark.skipif(not TRAJECTORIES.is_dir(), reason="the recorded trajectories are not on this machine")
@pytest.mark.parametrize("name", REAL)
def test_b52_a_trajectory_re_enacts_alike_on_threads_and_in_simulation(name: str, tmp_path: Path) -> None:
    path = TRAJECTORIES / name
    (tmp_path / "workspace").mkdir()
    settings = Settings(model=None, workspace=str(tmp_path / "workspace"), sandbox="local")
    with System(tmp_path / "home") as system:
        source = import_into(system.log, path).session
        start = SessionStarted(settings=settings, reenacts=source)
        session = system.launch(AGAIN, start)
        session.wait(PATIENCE_S)
        system.let_go(AGAIN, end_runner=True)
        real = list(system.log.read(AGAIN))
        expected = events(system.log)
    log, stepper = MemoryLog(id=bytes(16)), Stepper(1)
    import_into(log, path, source)
    sessions = Sessions(stepper, log, RecordedWorld(real), IDENTITY)
    sessions.start(AGAIN, start)
    assert stepper.run()
    assert events(log) == expected
