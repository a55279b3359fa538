"""Real drivers and a real server elsewhere: killed, cut off, resumed, closed and reaped."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import FINISH, WAIT_S, Step, Terminal, bash, ended, spoken, until
from tests.runner.lines import CERTIFICATE, KEY, TOKEN


class Elsewhere:
    """A `refold runner serve` with a home of its own."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal, self.folder = terminal, terminal.folder / "elsewhere"
        self.folder.mkdir()
        (self.folder / "token").write_text(TOKEN + "\n")
        terminal.environment["REFOLD_RUNNER_TOKEN"] = TOKEN
        self.port = 0
        self.serve()

    def serve(self) -> None:
        command = self.terminal.command(
            *("runner", "serve", "--json", "--listen", f"127.0.0.1:{self.port}"),
            *("--token-file", str(self.folder / "token"), "--cert", str(CERTIFICATE), "--key", str(KEY)),
            *("--workspace", str(self.folder / "work"), "--sandbox", "local"),
        )
        command[-1] = str(self.folder / "home")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.terminal.environment
        )
        assert self.process.stdout is not None
        self.address: str = json.loads(self.process.stdout.readline())["address"]
        self.port = int(self.address.rpartition(":")[2])

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=WAIT_S)
        assert self.process.returncode == 0

    @property
    def options(self) -> tuple[str, ...]:
        return "--runner", self.address, "--runner-ca", str(CERTIFICATE)

    def keepers(self) -> list[int]:
        found = (self.folder / "home" / "served" / "runners").glob("*/runner.json")
        return [json.loads(path.read_bytes())["pid"] for path in found]

    def started(self, *steps: Step) -> "subprocess.Popen[str]":
        script = self.terminal.script(*steps)[:2]  # Without its --sandbox: --runner says where.
        driver = self.terminal.begin("run", "--session", "s", "--json", *self.options, *script, "go")
        assert driver.stdout is not None
        for line in driver.stdout:
            if json.loads(line)["type"] == "ActionStarted":
                return driver
        raise AssertionError(driver.communicate()[1])


@pytest.fixture
def elsewhere(terminal: Terminal) -> Iterator[Elsewhere]:
    elsewhere = Elsewhere(terminal)
    yield elsewhere
    for pid in elsewhere.keepers():
        os.kill(pid, signal.SIGTERM)
    elsewhere.stop()


def workspace(elsewhere: Elsewhere) -> Path:
    (found,) = (elsewhere.folder / "work").iterdir()
    return found


def test_b44_a_killed_driver_leaves_its_remote_runner_at_work_and_resume_collects(
    terminal: Terminal, elsewhere: Elsewhere
) -> None:
    driver = elsewhere.started(terminal.gated(), bash("echo next > made"), FINISH)
    driver.kill()
    driver.communicate()
    assert "its runner is alive without a driver" in terminal.run("doctor").stderr
    elsewhere.stop()
    terminal.open_gate()
    elsewhere.serve()
    assert terminal.run("resume", "s").returncode == 0
    assert terminal.count("s", "ActionStarted") == 2
    assert terminal.observations("s")[0]["content"].split() == ["begun", "through"]
    assert (workspace(elsewhere) / "made").read_text() == "next\n"
    connected = [r["data"] for r in terminal.records("s") if r["type"] == "RuntimeConnected"]
    assert [each.get("resumed", False) for each in connected] == [False, True]
    assert connected[0]["incarnation"] == connected[1]["incarnation"]
    assert "not isolated" in connected[0]["notice"]
    assert terminal.run("verify", "s").returncode == 0
    assert elsewhere.keepers() == []
    assert TOKEN not in terminal.run("events", "s", "--json").stdout


def test_b13_closing_ends_the_remote_runner_and_answers_what_it_interrupts(
    terminal: Terminal, elsewhere: Elsewhere
) -> None:
    driver = elsewhere.started(terminal.gated(), FINISH)
    driver.send_signal(signal.SIGTERM)
    assert ended(driver)[0] == 143
    (observed,) = terminal.observations("s")
    assert (observed["kind"], observed["reason"]) == ("cancelled", "closed")
    assert elsewhere.keepers() == []


def test_b47_a_second_driver_is_refused_while_the_first_works_elsewhere(
    terminal: Terminal, elsewhere: Elsewhere
) -> None:
    driver = elsewhere.started(terminal.gated(), FINISH)
    refused = terminal.run("resume", "s")
    assert refused.returncode == 2
    assert str(driver.pid) in refused.stderr
    terminal.open_gate()
    assert ended(driver)[0] == 0


def test_b16_a_remote_runner_that_is_killed_leaves_an_unknown_outcome_and_work_goes_on(
    terminal: Terminal, elsewhere: Elsewhere
) -> None:
    driver = elsewhere.started(terminal.gated(), bash("echo a new shell"), FINISH)
    (pid,) = elsewhere.keepers()
    os.kill(pid, signal.SIGKILL)
    assert ended(driver)[0] == 0
    observed = terminal.observations("s")
    assert [observation["kind"] for observation in observed] == ["outcome_unknown", "run", "finish"]


def test_doctor_reaps_a_runner_elsewhere(terminal: Terminal, elsewhere: Elsewhere) -> None:
    driver = elsewhere.started(terminal.gated(), FINISH)
    driver.kill()
    driver.communicate()
    assert "its runner was ended" in terminal.run("doctor", "--reap").stderr
    until(lambda: elsewhere.keepers() == [])


def test_doctor_tells_once_of_a_server_that_does_not_answer_and_goes_on(
    terminal: Terminal, elsewhere: Elsewhere
) -> None:
    script = terminal.script(FINISH)
    for name in ("one", "two"):
        run = ("run", "--session", name, *elsewhere.options, *script[:2], "go")
        assert terminal.run(*run).returncode == 0
    asking = terminal.script(spoken("Well?"), name="asking")
    assert terminal.run("run", "--session", "unnamed", *asking, "go").returncode == 3
    elsewhere.stop()
    told = terminal.run("doctor")
    (server, *rest) = reversed(told.stderr.splitlines())
    assert told.returncode == 0
    assert server.startswith(f"{elsewhere.address}: no runner can be reached at {elsewhere.address}: ")
    assert server.endswith("whether runners live there, of one, two: look again once it answers")
    assert [line.partition(":")[0] for line in rest] == ["unnamed"]
    assert terminal.run("doctor", "--reap").returncode == 1
    lines = terminal.run("doctor", "--json").stdout.splitlines()
    assert json.loads(lines[-1])["server"] == elsewhere.address
    elsewhere.serve()
    assert terminal.run("doctor", "--reap").returncode == 0


def test_a_token_that_others_may_read_is_told_of_on_both_sides(
    terminal: Terminal, elsewhere: Elsewhere
) -> None:
    token, configuration = elsewhere.folder / "token", terminal.folder / "remote.toml"
    configuration.write_text(f'[runtime.remote]\ntoken_file = "{token}"\n', encoding="utf-8")
    options = ("--config", str(configuration), *elsewhere.options, *terminal.script(FINISH)[:2])
    told = f"{token} can be read by others on this machine: chmod 600 {token}"
    token.chmod(0o640)
    elsewhere.stop()
    elsewhere.serve()
    done = terminal.run("run", "--session", "s", *options, "go")
    assert done.returncode == 0
    assert told in done.stderr
    elsewhere.process.terminate()
    assert told in elsewhere.process.communicate(timeout=WAIT_S)[1]
    token.chmod(0o600)
    elsewhere.serve()
    assert told not in terminal.run("run", "--session", "t", *options, "go").stderr


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--listen", "0.0.0.0:0"), "give --cert and --key"),
        (("--listen", "nowhere"), "is not HOST:PORT"),
        (("--token-file", "/nowhere/token"), "/nowhere/token"),
        (("--sandbox", "docker"), "it is local or bubblewrap"),
    ],
)
def test_what_cannot_be_served_is_refused_in_words(
    terminal: Terminal, options: tuple[str, str], why: str
) -> None:
    (terminal.folder / "token").write_text(TOKEN)
    done = terminal.run("runner", "serve", "--token-file", str(terminal.folder / "token"), *options)
    assert done.returncode == 2
    assert why in done.stderr
