"""`refold simulate` as a person and a program use it."""

import json
import signal
from pathlib import Path

import psutil
import pytest

from tests.architecture.source import ROOT
from tests.cli.terminal import Terminal, until

HASTY = f"{ROOT / 'examples' / 'invoices' / 'test_paying.py'}:HASTY"
LAST = {"seeds", "failures", "seconds", "steps", "digest"}


def test_equal_seeds_give_equal_digests_whoever_runs_them(terminal: Terminal) -> None:
    found: list[dict[str, object]] = []
    for workers in ("1", "2"):
        done = terminal.run("simulate", "--seeds", "60", "--first-seed", "3", "--workers", workers, "--json")
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout.splitlines()[-1]))
    assert [set(last) for last in found] == [LAST, LAST]
    assert [(last["seeds"], last["failures"]) for last in found] == [(60, 0), (60, 0)]
    assert found[0]["digest"] == found[1]["digest"]
    assert found[0]["steps"] == found[1]["steps"]


def test_a_failure_is_told_saved_and_replayed(terminal: Terminal, tmp_path: Path) -> None:
    place = tmp_path / "failures"
    looking = ["simulate", "--scenario", HASTY, "--failures", str(place)]
    done = terminal.run(*looking, "--seeds", "1000", "--workers", "1")
    assert done.returncode == 1
    assert "BROKEN an_invoice_is_paid_once: 2 payments" in done.stdout
    assert "FAULT *** runner: lost_after" in done.stdout
    assert "refold simulate --replay" in done.stderr
    saved = min(place.iterdir())
    again = terminal.run("simulate", "--replay", str(saved))
    assert again.returncode == 1
    assert "BROKEN an_invoice_is_paid_once: 2 payments" in again.stdout
    told = terminal.run("simulate", "--replay", str(saved), "--json")
    assert json.loads(told.stdout)["failure"] == "an_invoice_is_paid_once: 2 payments"


def test_time_is_a_limit_too(terminal: Terminal) -> None:
    done = terminal.run("simulate", "--minutes", "0.02", "--workers", "1", "--json")
    assert done.returncode == 0
    last = json.loads(done.stdout)
    assert last["seeds"] > 0
    assert last["seconds"] < 30


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "nope"], "standard"),
        (["--scenario", "no.such.module:X"], "no scenario"),
        (["--scenario", "json:loads"], "it has no `run`"),
        (["--minutes", "0"], "no time at all"),
        (["--seeds", "0"], "'--seeds'"),
        (["--replay", "/nowhere"], "cannot be read"),
        (["--replay", __file__], "no failure"),
    ],
)
def test_a_mistake_is_wrong_usage(terminal: Terminal, arguments: list[str], said: str) -> None:
    done = terminal.run("simulate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_hunt_leaves_no_worker_behind(terminal: Terminal, number: int, code: int) -> None:
    hunt = terminal.begin("simulate", "--minutes", "5", "--workers", "2")
    process = psutil.Process(hunt.pid)
    until(lambda: len(process.children()) > 2)  # The workers, and one that keeps track of what they share.
    workers = process.children(recursive=True)
    hunt.send_signal(number)
    assert hunt.wait(60) == code
    hunt.communicate()
    assert psutil.wait_procs(workers, timeout=30)[1] == []
