"""Every boundary of every commit kills the driver once: before it, on its way to the disk, after it.

`REFOLD_BOUNDARIES` sets how many of them are tried: a sample by default, `all` before a release.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from refold.actors.session.verify import verify
from refold.eventlog.audit_path import audit_path
from refold.eventlog.events import ActionProposed, ObservationRecorded
from refold.home import Home
from refold.look import reading
from tests.campaign.script import STEPS, write_script

BUDGET = os.environ.get("REFOLD_BOUNDARIES", "6")
DRIVER = Path(__file__).with_name("doomed_driver.py")
COMMITS = 4 + 3 * (STEPS + 1)
"""About as many commits as the session has; a point that is never reached kills nobody."""


def boundaries() -> list[tuple[str, int, int]]:
    """Return (label, which time, microseconds to wait there) of every boundary to be tried."""
    chance = random.Random(7)  # noqa: S311 - repeatable on purpose
    every = [
        (label, number, 0)
        for label in ("before append", "after append", "before publish", "tell session")
        for number in range(1, COMMITS + 1)
    ]
    every += [("after append", number, chance.randrange(1, 3000)) for number in range(1, COMMITS + 1)]
    return every if BUDGET == "all" else chance.sample(every, int(BUDGET))


def drive(home: Path, script: Path, doom: tuple[str, int, int]) -> int:
    command = [sys.executable, str(DRIVER), str(home), "s", str(script), *map(str, doom)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.parametrize(("label", "number", "delay_us"), boundaries())
def test_b44_a_driver_killed_at_a_commit_boundary_loses_nothing_and_repeats_nothing(
    tmp_path: Path, label: str, number: int, delay_us: int
) -> None:
    script, home = write_script(tmp_path, slow=False), tmp_path / "home"
    killed = drive(home, script, (label, number, delay_us)) != 0
    if killed:
        assert drive(home, script, ("never", 1, 0)) == 0
    tokens = (home / "sessions" / "s" / "workspace" / "tokens.txt").read_text(encoding="utf-8").split()
    assert tokens == [f"token-{step}" for step in range(STEPS)]
    with reading(Home(home)) as log:
        records = list(log.read("s"))
        assert verify(log, "s").ok
    proposed = [record.version for record in records if isinstance(record.event, ActionProposed)]
    answered = Counter(r.cause for r in records if isinstance(r.event, ObservationRecorded))
    assert len(proposed) == STEPS + 1
    assert answered == dict.fromkeys(proposed, 1)
    assert audit_path(Home(home).log_path).bad is None
