"""The command line's contract: exit codes, a clear sentence on stderr, data alone on stdout, no traceback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refold.home import Home
from refold.look import reading
from tests.campaign.script import answer

WAIT_S = 90


class Terminal:
    """Runs `refold` in one home, as a person in a terminal would whose output is piped."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith(("REFOLD", "OPENAI"))}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self._command(arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_S,
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr + done.stdout
        return done

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self._command(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )

    def script(self, *answers: tuple[str, dict[str, Any]], name: str = "script") -> list[str]:
        lines = [answer(number, tool, arguments) for number, (tool, arguments) in enumerate(answers)]
        path = self.folder / f"{name}.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return ["--model", f"script:{path}", "--sandbox", "local"]

    def records(self, session: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("events", session, "--json").stdout.splitlines()]

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "refold", *arguments, "--home", str(self.home)]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.run("doctor", "--reap")


FINISH: tuple[str, dict[str, Any]] = ("finish", {"message": "done"})
SLOW: tuple[str, dict[str, Any]] = (
    "execute_bash",
    {"command": "for i in 1 2 3 4; do echo tick $i; sleep 2; done"},
)


def bash(command: str) -> tuple[str, dict[str, Any]]:
    return "execute_bash", {"command": command}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "nobody"], 2, "no session"),
        (["audit"], 2, "no log"),
        (["bogus"], 2, "no command 'bogus'"),
        (["run", "--bogus"], 2, "No such option"),
        (["run", "x"], 2, "no model was named"),
        (["run", "--model", "nonsense", "x"], 2, "openai/NAME"),
        (["run", "--model", "openai/some", "x"], 2, "OPENAI_API_KEY"),
        (["run", "--model", "script:/nowhere", "x"], 2, "cannot be read"),
        (["run", "--model", "script:/nowhere", "  "], 2, "the task is empty"),
        (["run", "--model", "script:/nowhere", "--session", "b@d", "x"], 2, "cannot name a session"),
        (["run", "--model", "script:/nowhere", "--price", "a,b", "x"], 2, "two numbers"),
        (["run", "--model", "script:/nowhere", "--budget", "1", "x"], 2, "--price"),
        (["run", "--model", "script:/nowhere", "--confirm", "maybe", "x"], 2, "never or always"),
        (["run", "--model", "script:/nowhere", "--workspace", "/nowhere", "x"], 2, "not a folder"),
        (["run", "--model", "script:/nowhere", "--sandbox", "moon", "x"], 2, "no sandbox 'moon'"),
        (["import", "/nowhere"], 2, "no file"),
        (["import", __file__], 1, "not JSON"),
        (["replay", "nobody"], 2, "neither a session"),
    ],
)
def test_a_mistake_is_answered_with_what_to_do(
    terminal: Terminal, arguments: list[str], code: int, said: str
) -> None:
    done = terminal.run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_limits_end_in_1_and_are_extended_exactly(terminal: Terminal) -> None:
    model = terminal.script(*(bash(f"echo {number}") for number in range(9)))
    assert terminal.run("run", "--session", "s", "--max-iterations", "2", *model, "go").returncode == 1
    assert terminal.run("continue", "s", "--max-iterations", "1").returncode == 1
    done = terminal.run("say", "s", "more")
    assert done.returncode == 1
    assert "max_iterations" in done.stderr
    assert sum(record["type"] == "ModelAsked" for record in terminal.records("s")) == 2 + 1 + 2
    assert terminal.run("show", "s", "--at", "999").returncode == 2
    assert terminal.run("run", "--session", "s", *model, "again").returncode == 2
    assert terminal.run("verify", "s").returncode == 0


def test_nothing_unconfirmed_is_executed_also_across_a_restart(terminal: Terminal) -> None:
    model = terminal.script(bash("echo yes > done.txt"), FINISH)
    assert terminal.run("run", "--session", "s", "--confirm", "always", *model, "go").returncode == 3
    shown = json.loads(terminal.run("show", "s", "--json").stdout)
    assert shown["status"] == "awaiting_user_confirmation"
    assert [waiting["kind"] for waiting in shown["pending"]] == ["run"]
    written = terminal.home / "sessions" / "s" / "workspace" / "done.txt"
    assert not written.exists()
    assert terminal.run("confirm", "s").returncode == 0
    assert written.exists()
    assert terminal.run("confirm", "s").returncode == 2


def started(terminal: Terminal, *more: str) -> "subprocess.Popen[str]":
    """Drive a session with a slow command in another process, and return once the command is under way."""
    model = terminal.script(SLOW, FINISH)
    driver = terminal.begin("run", "--session", "s", "--json", *more, *model, "go")
    assert driver.stdout is not None
    for line in driver.stdout:
        if json.loads(line)["type"] == "ActionStarted":
            return driver
    raise AssertionError(driver.communicate()[1])


def ended(driver: "subprocess.Popen[str]") -> tuple[int, str]:
    return (driver.wait(WAIT_S), driver.communicate()[1])


def test_commands_from_a_second_terminal_reach_the_driver(terminal: Terminal) -> None:
    driver = started(terminal)
    second = terminal.run("resume", "s")
    assert second.returncode == 2
    assert str(driver.pid) in second.stderr
    assert json.loads(terminal.run("show", "s", "--json").stdout)["driver"]["pid"] == driver.pid
    assert terminal.run("say", "s", "hurry").returncode == 0
    assert terminal.run("pause", "s").returncode == 0
    assert ended(driver)[0] == 3
    assert json.loads(terminal.run("show", "s", "--json").stdout)["driver"] is None
    assert terminal.run("resume", "s").returncode == 0
    outputs = [r["data"]["observation"] for r in terminal.records("s") if r["type"] == "ObservationRecorded"]
    assert "tick 4" in outputs[0]["content"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_closes_the_session_resumably(terminal: Terminal, number: int, code: int) -> None:
    driver = started(terminal)
    driver.send_signal(number)
    found, said = ended(driver)
    assert found == code
    assert "refold resume s" in said
    (observed,) = [r for r in terminal.records("s") if r["type"] == "ObservationRecorded"]
    assert observed["data"]["observation"]["reason"] == "closed"
    assert "nothing to report" in terminal.run("doctor").stderr or "resume" in terminal.run("doctor").stderr
    assert terminal.run("resume", "s").returncode == 0


def test_a_killed_driver_interrupts_nothing(terminal: Terminal) -> None:
    driver = started(terminal)
    driver.kill()
    driver.communicate()
    assert terminal.run("resume", "s").returncode == 0
    records = terminal.records("s")
    assert [r["type"] for r in records].count("ActionStarted") == 1
    outputs = [r["data"]["observation"] for r in records if r["type"] == "ObservationRecorded"]
    assert outputs[0]["content"].split() == ["tick", "1", "tick", "2", "tick", "3", "tick", "4"]
    assert terminal.run("verify", "s").returncode == 0


def test_what_a_killed_runner_did_is_unknown_and_not_repeated(terminal: Terminal) -> None:
    driver = started(terminal)
    place = json.loads((terminal.home / "sessions" / "s" / "runner" / "runner.json").read_bytes())
    os.kill(place["pid"], signal.SIGKILL)
    assert ended(driver)[0] == 0
    outputs = [r["data"]["observation"] for r in terminal.records("s") if r["type"] == "ObservationRecorded"]
    assert [output["kind"] for output in outputs] == ["outcome_unknown", "finish"]


def test_a_log_that_is_truncated_or_garbage_is_a_clear_error(terminal: Terminal) -> None:
    assert terminal.run("run", "--session", "s", *terminal.script(FINISH), "go").returncode == 0
    data = terminal.home / "log" / "000000" / "data.mdb"
    os.truncate(data, 40_960)
    for command in ("ls", "audit", "show s", "events s", "verify s", "resume s", "doctor"):
        done = terminal.run(*command.split())
        assert (done.returncode, done.stdout) == (1, ""), command
        assert "truncated" in done.stderr, command
    for damage, said in (
        (data.read_bytes()[:5000], "truncated"),
        (b"", "truncated"),
        (os.urandom(9999), "no log"),
    ):
        data.write_bytes(damage)
        assert said in terminal.run("ls").stderr


def test_a_full_disk_stops_with_a_clear_error_and_room_lets_it_go_on(
    terminal: Terminal, tmp_path: Path
) -> None:
    small = tmp_path / "home"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=420k", "tmpfs", str(small)], check=False
    ).returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    try:
        workspace = tmp_path / "workspace"
        workspace.mkdir()
        answers = [bash(f"echo {number}; # {'x' * 6000}") for number in range(30)]
        model = terminal.script(*answers, FINISH)
        place = ["--workspace", str(workspace)]
        done = terminal.run("run", "--session", "s", *place, *model, "go")
        assert done.returncode == 1
        assert "no room" in done.stderr
        before = terminal.records("s")
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        assert terminal.run("resume", "s").returncode == 0
        with reading(Home(small)) as log:
            digests = [record.digest.hex() for record in log.read("s")]
        assert digests[: len(before)] == [record["digest"] for record in before]
        assert terminal.run("audit").returncode == 0
    finally:
        terminal.run("doctor", "--reap")
        subprocess.run(["umount", str(small)], check=True)


def test_looking_at_sessions_loads_neither_actors_nor_clients(terminal: Terminal) -> None:
    assert terminal.run("run", "--session", "s", *terminal.script(FINISH), "go").returncode == 0
    code = (
        "import sys; from refold.cli.main import _guarded; "
        f"_guarded(['show', 's', '--json', '--home', {str(terminal.home)!r}], debug=True); "
        "print(sorted({'pykka', 'openai', 'anthropic', 'structlog', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout + done.stderr
