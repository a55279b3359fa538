"""Rules 11 to 14: closing, from every state and at any moment, with nothing left behind."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import refold
from refold.actors.runner.hands import RunnerHands
from refold.errors import NotDriven
from refold.eventlog.events import ObservationRecorded, SessionClosed
from refold.eventlog.observations import Cancelled
from refold.home import Home
from refold.look import reading
from refold.system import System
from tests.behaviour.git_remote import repository
from tests.front.test_embedding import FINISH, script, shell

ROOT = Path(__file__).parents[2]


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with refold.open(tmp_path / "home") as system:
        yield system


def alive(home: Home, session: str) -> bool:
    return RunnerHands(session, home.runner(session)).is_alive()


def until_at_work(system: System, session: str) -> None:
    """Wait for the first action of a session to be under way."""
    subscription = system.log.subscribe(stream=session)
    seen: list[str] = []
    while "ActionStarted" not in seen:
        seen += [record.type for record in subscription.take(timeout_s=60)]
    subscription.close()


def test_b11_close_is_idempotent_and_the_last_facts_reach_every_watcher(
    system: System, tmp_path: Path
) -> None:
    session = system.start("go", model=script(tmp_path, shell("sleep 100")), sandbox="local")
    until_at_work(system, session.name)
    seen: list[str] = []
    watcher = threading.Thread(target=lambda: seen.extend(record.type for record in session.watch()))
    watcher.start()
    began = time.monotonic()
    session.close()
    watcher.join(30)
    assert time.monotonic() - began < 30
    assert not watcher.is_alive()
    assert seen[-1] == "SessionClosed"
    with pytest.raises(NotDriven):
        session.close()
    closed = [r for r in system.log.read(session.name) if isinstance(r.event, SessionClosed)]
    assert len(closed) == 1
    assert not alive(system.home, session.name)


def test_b12_a_start_that_is_closed_in_its_setup_leaves_nothing_behind(
    system: System, tmp_path: Path
) -> None:
    mark = tmp_path / "begun"
    source = repository(tmp_path / "source", {".refold/setup.sh": f"touch {mark}; sleep 100"})
    session = system.start("go", model=script(tmp_path, FINISH), sandbox="local", repository=str(source))
    while not mark.exists():
        threading.Event().wait(0.01)
    session.close()
    assert not alive(system.home, session.name)
    assert session.state.life.closed
    (source / ".refold" / "setup.sh").write_text("true", encoding="utf-8")
    (system.home.workspace(session.name) / ".refold" / "setup.sh").write_text("true", encoding="utf-8")
    assert system.resume(session.name).wait(timeout=60).agent.state == "finished"


def test_b13_a_running_command_is_interrupted_and_its_observation_says_so(
    system: System, tmp_path: Path
) -> None:
    model = script(tmp_path, shell("sleep 100"), FINISH)
    session = system.start("go", model=model, sandbox="local")
    until_at_work(system, session.name)
    session.close()
    (observed,) = [r.event for r in system.log.read(session.name) if isinstance(r.event, ObservationRecorded)]
    assert isinstance(observed.observation, Cancelled)
    assert observed.observation.content.startswith("Interrupted")
    assert system.resume(session.name).wait(timeout=60).agent.state == "finished"


def test_b14_sigterm_closes_all_sessions_side_by_side(tmp_path: Path) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-m", "tests.behaviour.closing_driver", str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )
    with driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == b"at work\n"
        driver.terminate()
        try:
            assert driver.wait(60) == 0
        finally:
            driver.kill()  # Else leaving waits for one that hangs.
    home = Home(tmp_path / "home")
    with reading(home) as log:
        for name in ("a", "b", "c"):
            closed = [r.event for r in log.read(name) if isinstance(r.event, SessionClosed)]
            assert [event.reason for event in closed] == ["SIGTERM"]
            assert not alive(home, name)
