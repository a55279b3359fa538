"""`refold simulate` as a person and a program use it."""

import json
import signal
from pathlib import Path

import psutil
import pytest

from refold.testing import simulate
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
        (["--workers", "1000000"], "'--workers'"),
        (["--disk", "tape"], "--disk 'tape' is unknown; it is memory or lmdb"),
        (["--timeout", "0"], "--timeout 0 was asked for; it must be a number of seconds above 0"),
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


OWN = """
import os, random, signal
from refold.testing import SessionScenario, says

FINISH = says("", ("finish", {"message": "done"}))
runs = 0


class Ending:
    # Somebody ends the hunt while this one thinks, when a chunk of seeds is behind it.
    def __init__(self):
        global runs
        runs += 1

    def __call__(self, request):
        if runs > 150:
            os.kill(os.getpid(), getattr(signal, os.environ["ENDED_BY"]))
        return FINISH


class Remembering:
    asked = 0

    def __call__(self, request):
        self.asked += 1
        return FINISH if self.asked > 1 else says("", ("think", {"thought": "hm"}))


def broken(run):
    assert not run.done, "nothing is done"


def raising(run):
    {}["a key that is not there"]


def hanging(request):
    while True:
        signal.sigtimedwait([], 0.01)


def fatal(request):
    if runs > 150:
        os._exit(3)
    return FINISH


class Fatal(Ending):
    def __call__(self, request):
        return fatal(request)


def kept_in_a_file(run):
    assert type(run.disk.inner).__name__ == "LMDBLog", type(run.disk.inner).__name__


IN_A_FILE = SessionScenario(name="in_a_file", lines=(FINISH,), law=kept_in_a_file)
FATAL = SessionScenario(name="fatal", agent=Fatal)
HANGING = SessionScenario(name="hanging", agent=lambda: hanging)
ENDING = SessionScenario(name="ending", agent=Ending)
SHARED = SessionScenario(name="shared", lines=(Remembering(),) * 9)
ANEW = SessionScenario(name="anew", agent=Remembering)
DICE = SessionScenario(name="dice", agent=lambda: lambda request: says(str(random.random())))
LOOK = says("", ("execute_bash", {"command": "ls"}))
ASSERTS = SessionScenario(name="../asserts", lines=(LOOK, FINISH), law=broken)
RAISES = SessionScenario(name="raises", lines=(FINISH,), law=raising)
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    path = tmp_path / "own.py"
    path.write_text(OWN, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_who_ends_a_hunt_in_the_middle_of_a_run_is_told_what_was_found_so_far(
    terminal: Terminal, own: str, name: str, code: int
) -> None:
    hunt = ["simulate", "--scenario", f"{own}:ENDING", "--seeds", "5000", "--workers", "1"]
    done = terminal.run(*hunt, "--json", ENDED_BY=name)
    last = json.loads(done.stdout)
    assert (done.returncode, set(last), last["failures"]) == (code, LAST, 0)
    assert 0 < last["seeds"] < 5000
    assert "interrupted" in done.stderr


@pytest.mark.parametrize("name", ["SHARED", "DICE"])
def test_a_scenario_that_is_not_repeatable_is_refused_and_shown_where(
    terminal: Terminal, own: str, name: str
) -> None:
    done = terminal.run("simulate", "--scenario", f"{own}:{name}", "--seeds", "10")
    assert (done.returncode, done.stdout) == (2, "")
    assert "gave two different runs" in done.stderr
    assert "ModelAnswered" in done.stderr


def test_an_agent_that_remembers_is_made_anew_for_each_run(terminal: Terminal, own: str) -> None:
    digests: list[str] = []
    for workers in ("1", "2"):
        hunt = ["simulate", "--scenario", f"{own}:ANEW", "--seeds", "101", "--workers", workers, "--json"]
        done = terminal.run(*hunt)
        assert done.returncode == 0, done.stderr
        digests.append(json.loads(done.stdout)["digest"])
    assert digests[0] == digests[1]


def test_a_law_that_asserts_or_raises_is_a_failure_with_a_seed_and_a_story(
    terminal: Terminal, own: str
) -> None:
    for name, said in (
        ("ASSERTS", "broken: AssertionError: nothing is done"),
        ("RAISES", "raising: KeyError"),
    ):
        done = terminal.run("simulate", "--scenario", f"{own}:{name}", "--seeds", "3")
        assert done.returncode == 1, done.stderr
        assert f"BROKEN {said}" in done.stdout
        assert "own.py:" in done.stdout


def test_a_failure_has_a_file_of_its_own_whatever_the_scenario_is_called(
    terminal: Terminal, own: str, tmp_path: Path
) -> None:
    place = tmp_path / "failures"
    hunt = ["simulate", "--scenario", f"{own}:ASSERTS", "--seeds", "1"]
    done = terminal.run(*hunt, "--failures", str(place))
    assert done.returncode == 1, done.stderr
    assert [path.name for path in place.iterdir()] == [".._asserts-0.json"]


def test_a_failure_that_cannot_be_saved_is_told_all_the_same(
    terminal: Terminal, own: str, tmp_path: Path
) -> None:
    place = tmp_path / "occupied"
    place.touch()
    hunt = ["simulate", "--scenario", f"{own}:RAISES", "--seeds", "30"]
    done = terminal.run(*hunt, "--failures", str(place))
    assert done.returncode == 1
    assert "BROKEN raising: KeyError" in done.stdout
    assert "not saved: " in done.stderr
    assert "and 10 more" in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_hangs_is_given_up_and_told_with_its_seed_and_the_line_where_it_hangs(
    terminal: Terminal, own: str, tmp_path: Path, workers: str
) -> None:
    place = tmp_path / "failures"
    hunt = ["simulate", "--scenario", f"{own}:HANGING", "--seeds", "2", "--workers", workers]
    done = terminal.run(*hunt, "--timeout", "0.3", "--failures", str(place))
    assert done.returncode == 1, done.stderr
    assert "seed 0: every_run_ends: it was not over after 0.3 s (own.py:" in done.stderr
    assert "in hanging)" in done.stderr
    assert "seeds 0, 1" in done.stderr
    (saved,) = place.iterdir()
    again = terminal.run("simulate", "--replay", str(saved), "--timeout", "0.3")
    assert again.returncode == 1
    assert "every_run_ends" in again.stdout


def test_a_log_in_a_file_gives_the_same_runs_as_one_in_memory(terminal: Terminal) -> None:
    hunt = ("simulate", "--seeds", "20", "--workers", "1", "--json")
    memory, file = (json.loads(terminal.run(*hunt, "--disk", disk).stdout) for disk in ("memory", "lmdb"))
    assert memory["digest"] == file["digest"]


def test_a_log_in_a_file_is_in_one(terminal: Terminal, own: str) -> None:
    hunt = ("simulate", "--scenario", f"{own}:IN_A_FILE", "--seeds", "2")
    assert terminal.run(*hunt, "--disk", "lmdb").returncode == 0
    assert "MemoryLog" in terminal.run(*hunt).stderr


def test_the_line_that_is_told_runs_the_failure_again(terminal: Terminal, own: str) -> None:
    done = terminal.run("simulate", "--scenario", f"{own}:RAISES", "--seeds", "1")
    (line,) = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("simulate(")]
    found = eval(line, {"simulate": simulate})  # noqa: S307 - it is Python, and says so
    assert found.failure is not None
    assert found.failure.startswith("raising: KeyError")


def test_a_run_that_ends_its_worker_is_told_by_the_seeds_that_were_under_way(
    terminal: Terminal, own: str
) -> None:
    done = terminal.run(
        "simulate", "--scenario", f"{own}:FATAL", "--seeds", "500", "--workers", "2", "--json"
    )
    assert done.returncode == 1
    assert "a worker ended with code 3; seeds " in done.stderr
    assert 0 < json.loads(done.stdout)["seeds"] < 500
