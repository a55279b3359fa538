"""The driver of a session and its delegate is killed at boundaries of commits: both are taken up, once."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from refold.actors.runner.hands import RunnerHands
from refold.actors.session.verify import verify
from refold.eventlog.audit_path import audit_path
from refold.eventlog.events import LateResultRecorded, ObservationRecorded, SessionStarted
from refold.eventlog.observations import DelegateResult
from refold.home import Home
from refold.look import reading
from tests.behaviour.families import FINISH, Call, delegate, run, write_script

BUDGET = os.environ.get("REFOLD_BOUNDARIES", "5")
DRIVER = Path(__file__).with_name("doomed_driver.py")
COMMITS = 30
"""About as many as both streams have; a point that is never reached kills nobody."""


def boundaries() -> list[tuple[str, int, int]]:
    chance = random.Random(11)  # noqa: S311 - repeatable on purpose
    every = [
        (label, number, 0)
        for label in ("before append", "after append", "before publish", "tell session")
        for number in range(8, COMMITS + 1)
    ]
    every += [("after append", number, chance.randrange(1, 3000)) for number in range(8, COMMITS + 1)]
    return every if BUDGET == "all" else chance.sample(every, min(int(BUDGET), len(every)))


def token(name: str, wait: str = "") -> Call:
    return run(f"{wait}echo {name} >> tokens.txt")


@pytest.mark.parametrize(("label", "number", "delay_us"), boundaries())
def test_b43_a_parent_and_its_delegate_killed_together_go_on_together(
    tmp_path: Path, label: str, number: int, delay_us: int
) -> None:
    home = tmp_path / "home"
    script = write_script(tmp_path, "parent", [token("p1")], [delegate()], [token("p2")], [FINISH])
    helper = write_script(tmp_path, "helper", [token("h1")], [token("h2", "sleep 0.3; ")], [FINISH])
    names = [name.removeprefix("script:") for name in (script, helper)]

    def drive(label: str, number: int, delay_us: int) -> int:
        command = [sys.executable, str(DRIVER), str(home), "p", names[0], label]
        command += [str(number), str(delay_us), names[1]]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode in {0, -signal.SIGKILL}, done.stderr
        return done.returncode

    if drive(label, number, delay_us) != 0:
        assert drive("never", 1, 0) == 0
    tokens = (home / "sessions" / "p" / "workspace" / "tokens.txt").read_text(encoding="utf-8").split()
    assert tokens == ["p1", "h1", "h2", "p2"]
    with reading(Home(home)) as log:
        parent, child = log.streams()
        records = list(log.read(parent))
        started = next(iter(log.read(child))).event
        assert isinstance(started, SessionStarted)
        assert (parent, child) == ("p", f"p~{started.action}")
        assert [verify(log, stream).ok for stream in (parent, child)] == [True, True]
    results = [
        record.event.observation
        for record in records
        if isinstance(record.event, ObservationRecorded | LateResultRecorded)
        and isinstance(record.event.observation, DelegateResult)
    ]
    assert [(each.session, each.status, each.iterations) for each in results] == [(child, "finished", 3)]
    assert audit_path(Home(home).log_path).bad is None
    assert not RunnerHands(child, Home(home).runner(child)).is_alive()
