"""A driver is killed -9 at random moments, the session resumed, and killed again, until it finishes.

`REFOLD_KILL_ROUNDS` sets how many sessions are tormented: a few by default, 200 before a release.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from refold.actors.session.verify import verify
from refold.eventlog.actions import Action
from refold.eventlog.audit_path import audit_path
from refold.eventlog.events import ActionProposed, ObservationRecorded
from refold.eventlog.record import Record
from refold.home import Home
from refold.look import reading
from tests.campaign.script import STEPS, write_script

ROUNDS = int(os.environ.get("REFOLD_KILL_ROUNDS", "2"))
SEED = int(os.environ.get("REFOLD_KILL_SEED", "1"))
KILLS_MAX = 6
"""Kills per round at most: a session that is never let run would never finish."""


def refold(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "refold", *arguments, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def records_of(home: Path, session: str) -> list[Record]:
    with reading(Home(home)) as log:
        return list(log.read(session))


def begun(home: Path, session: str) -> bool:
    if not Home(home).exists():
        return False
    with reading(Home(home)) as log:
        return log.head(session) is not None


def actions_of(records: list[Record]) -> list[Action]:
    return [record.event.action for record in records if isinstance(record.event, ActionProposed)]


@pytest.mark.parametrize("sandbox", ["local"])
def test_b44_a_session_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(
    tmp_path: Path, sandbox: str
) -> None:
    script = write_script(tmp_path)
    home, chance = tmp_path / "home", random.Random(SEED)  # noqa: S311 - repeatable on purpose
    run = ["--model", f"script:{script}", "--sandbox", sandbox, "append tokens"]
    began = time.monotonic()
    whole = refold(home, "run", "--session", "whole", *run)
    patience_s = time.monotonic() - began
    assert whole.returncode == 0, whole.stderr
    expected = actions_of(records_of(home, "whole"))
    kills = 0
    for number in range(ROUNDS):
        session = f"round-{number}"
        kills += torment(home, session, run, chance, patience_s)
        written = home / "sessions" / session / "workspace" / "tokens.txt"
        tokens = written.read_text(encoding="utf-8").split()
        assert tokens == [f"token-{step}" for step in range(STEPS)], session
        records = records_of(home, session)
        proposed = {r.version for r in records if isinstance(r.event, ActionProposed)}
        answered = Counter(r.cause for r in records if isinstance(r.event, ObservationRecorded))
        assert answered == dict.fromkeys(proposed, 1), session
        assert actions_of(records) == expected
        with reading(Home(home)) as log:
            assert verify(log, session).ok, session
    assert audit_path(Home(home).log_path).bad is None
    assert kills > 0


def torment(home: Path, session: str, run: list[str], chance: random.Random, patience_s: float) -> int:
    """Start a session and kill its driver until it has had enough; return how often it was killed."""
    command = ["run", "--session", session, *run]
    for kills in range(KILLS_MAX + 1):
        process = subprocess.Popen(
            [sys.executable, "-m", "refold", *command, "--home", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            patience = chance.uniform(0.15, 0.9) * patience_s if kills < KILLS_MAX else 120
            _, error = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            if begun(home, session):
                command = ["resume", session]
            continue
        assert process.returncode == 0, error.decode()
        return kills
    raise AssertionError(f"{session} did not finish")
