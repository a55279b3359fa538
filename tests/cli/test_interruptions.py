"""Drivers and runners are interrupted and killed in mid-command; nothing is lost, repeated or left behind."""

import json
import os
import signal

import pytest

from tests.cli.terminal import FINISH, WAIT_S, Terminal, bash, ended, until


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_closes_the_session_resumably(terminal: Terminal, number: int, code: int) -> None:
    driver = terminal.started(terminal.gated(), bash("echo next"), FINISH)
    before = len(terminal.records("s"))
    driver.send_signal(number)
    found, printed, said = ended(driver)
    assert found == code
    assert "refold resume s" in said
    assert terminal.processes() == []
    assert [json.loads(line) for line in printed.splitlines()][-1] == terminal.records("s")[-1]
    (observed,) = terminal.observations("s")
    assert (observed["kind"], observed["reason"]) == ("cancelled", "closed")
    assert observed["content"].startswith("Interrupted")
    assert len(terminal.records("s")) > before
    assert terminal.run("resume", "s").returncode == 0
    assert terminal.observations("s")[1]["content"].split() == ["next"]
    assert terminal.run("verify", "s").returncode == 0


def test_a_driver_whose_reader_is_gone_closes_the_session_resumably(terminal: Terminal) -> None:
    with terminal.started(terminal.gated(), bash("echo next"), FINISH) as driver:
        assert driver.stdout is not None
        assert driver.stderr is not None
        driver.stdout.close()
        terminal.open_gate()
        assert driver.wait(WAIT_S) == 128 + signal.SIGPIPE
        assert "refold resume s" in driver.stderr.read()
    assert terminal.processes() == []
    assert terminal.run("resume", "s").returncode == 0
    assert terminal.observations("s")[0]["content"].split() == ["begun", "through"]


def test_b44_a_killed_driver_interrupts_nothing(terminal: Terminal) -> None:
    driver = terminal.started(terminal.gated(), FINISH)
    driver.kill()
    driver.communicate()
    assert terminal.shown("s")["driver"] is None
    assert "running, no driver" in terminal.run("ls").stdout
    assert "refold resume s" in terminal.run("doctor").stderr
    terminal.open_gate()
    assert terminal.run("resume", "s").returncode == 0
    assert terminal.count("s", "ActionStarted") == 1
    assert terminal.observations("s")[0]["content"].split() == ["begun", "through"]
    assert terminal.run("verify", "s").returncode == 0
    assert terminal.run("audit").returncode == 0
    assert terminal.processes() == []


def test_b44_a_message_takes_up_a_session_whose_driver_was_killed(terminal: Terminal) -> None:
    driver = terminal.started(terminal.gated(), FINISH, FINISH)
    driver.kill()
    driver.communicate()
    terminal.open_gate()
    assert terminal.run("say", "s", "still there?").returncode == 0
    assert terminal.observations("s")[0]["content"].split() == ["begun", "through"]
    assert terminal.shown("s")["status"] == "finished"


def test_b44_what_a_killed_runner_did_is_unknown_and_not_repeated(terminal: Terminal) -> None:
    driver = terminal.started(terminal.gated(), bash("echo a new shell"), FINISH)
    place = json.loads((terminal.home / "sessions" / "s" / "runner" / "runner.json").read_bytes())
    os.kill(place["pid"], signal.SIGKILL)
    assert ended(driver)[0] == 0
    observed = terminal.observations("s")
    assert [observation["kind"] for observation in observed] == ["outcome_unknown", "run", "finish"]
    assert observed[1]["content"].split() == ["a", "new", "shell"]
    until(lambda: terminal.processes() == [])  # The shell of the killed one ends by itself, at its own time.
    assert terminal.run("verify", "s").returncode == 0
