"""The driver's way to a session's runner, over real runners on this machine."""

from pathlib import Path

from refold.actors.runner.hands import RunnerHands
from refold.eventlog.events import RuntimeConnected
from refold.eventlog.settings import Settings


def test_a_runner_that_takes_the_place_of_a_lost_one_leaves_nothing_open_of_it(tmp_path: Path) -> None:
    settings = Settings(model=None, workspace=str(tmp_path), sandbox="local")
    hands = RunnerHands("s", tmp_path / "runner")
    open_files = list[int]()
    try:
        for round_ in range(3):
            connected = hands.connect(settings, epoch=1, incarnation=f"round {round_}")
            assert isinstance(connected, RuntimeConnected)
            open_files.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
            RunnerHands("s", tmp_path / "runner").end()  # As if it had died, for all that `hands` knows.
    finally:
        hands.close()
    assert len(set(open_files)) == 1
