"""A session is driven in one terminal; commands given in another reach it there, and readers see it grow."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from refold.actors.runner.hands import RunnerHands
from refold.actors.session.commands import CloseSession
from refold.cli.view import summary
from refold.home import Home
from refold.look import state_of
from refold.system import System
from tests.cli.terminal import FINISH, Terminal, bash, ended, spoken


def test_b47_a_second_resume_names_the_driver_and_everything_else_reaches_it(terminal: Terminal) -> None:
    driver = terminal.started(terminal.gated(), bash("echo next"), FINISH)
    second = terminal.run("resume", "s")
    assert second.returncode == 2
    assert f"process {driver.pid}" in second.stderr
    shown = terminal.shown("s")
    assert shown["driver"]["pid"] == driver.pid
    assert shown["driver"]["since"] == next(r["at"] for r in terminal.records("s") if r["version"] == 1)
    assert [pending["kind"] for pending in shown["pending"]] == ["run"]
    assert terminal.shown("s", "--at", str(shown["version"]))["driver"] is None
    assert f"driven by process {driver.pid}" in terminal.run("ls").stdout
    said = terminal.run("say", "s", "hurry", "--json")
    assert (said.returncode, json.loads(said.stdout)) == (0, {"session": "s", "status": "running"})
    assert terminal.run("confirm", "s").returncode == 2
    assert terminal.run("pause", "s").returncode == 0
    assert terminal.run("pause", "s").returncode in {0, 2}
    terminal.open_gate()
    assert ended(driver)[0] == 3
    assert terminal.shown("s")["driver"] is None
    assert terminal.run("resume", "s").returncode == 0
    assert [o["content"].split() for o in terminal.observations("s")][:2] == [["begun", "through"], ["next"]]
    assert terminal.processes() == []


def test_b47_stop_answers_the_running_command_and_ends_the_driver(terminal: Terminal) -> None:
    driver = terminal.started(terminal.gated(), FINISH)
    assert terminal.run("stop", "s").returncode == 0
    assert ended(driver)[0] == 0
    assert terminal.shown("s")["status"] == "stopped"
    (observed,) = terminal.observations("s")
    assert "stopped" in observed["content"]
    assert terminal.run("resume", "s").returncode == 0
    assert terminal.processes() == []


def test_b47_a_terminal_with_another_runtime_directory_reaches_the_driver(
    terminal: Terminal, tmp_path: Path
) -> None:
    driver = terminal.started(terminal.gated(), FINISH)
    for elsewhere in (tmp_path, Path("/nowhere"), Path("/proc")):
        said = terminal.run("say", "s", "hello", XDG_RUNTIME_DIR=str(elsewhere))
        assert (said.returncode, "committed" in said.stderr) == (0, True)
    terminal.open_gate()
    assert ended(driver)[0] == 0
    assert terminal.count("s", "SessionClaimed") == 1


def test_close_ends_the_driver_resumably(terminal: Terminal) -> None:
    driver = terminal.started(terminal.gated(), FINISH)
    assert terminal.run("close", "s").returncode == 0
    assert ended(driver)[0] == 3
    assert terminal.processes() == []
    assert "closed; go on with: refold resume s" in summary("s", state_of(Home(terminal.home), "s"))
    assert terminal.run("resume", "s").returncode == 0
    assert terminal.shown("s")["status"] == "finished"


def test_b47_follow_shows_records_as_they_are_committed(terminal: Terminal) -> None:
    driver = terminal.started(terminal.gated(), FINISH)
    follower = terminal.begin("events", "s", "--follow", "--json")
    assert follower.stdout is not None
    seen = [json.loads(next(follower.stdout)) for _ in terminal.records("s")]
    terminal.open_gate()
    while seen[-1]["type"] != "AgentStateChanged" or seen[-1]["data"]["state"] != "finished":
        seen.append(json.loads(next(follower.stdout)))
    assert ended(driver)[0] == 0
    follower.send_signal(2)
    assert ended(follower)[0] == 130
    assert seen == terminal.records("s")[: len(seen)]


def test_b47_many_messages_at_once_while_the_driver_comes_to_rest_are_all_answered(
    terminal: Terminal,
) -> None:
    """Whoever finds the driver on its way out takes the session over; no message waits for nobody."""
    driver = terminal.started(terminal.gated(), *(spoken(f"answer {n}") for n in range(9)))
    terminal.open_gate()

    def say(number: int) -> int:
        return terminal.run("say", "s", f"word {number}").returncode

    with ThreadPoolExecutor(4) as people:
        codes = list(people.map(say, range(4)))
    assert ended(driver)[0] == 3
    assert set(codes) <= {0, 3}
    said = [r["data"]["content"] for r in terminal.records("s") if r["type"] == "MessageReceived"]
    assert sorted(said) == ["go", "word 0", "word 1", "word 2", "word 3"]
    assert terminal.shown("s")["status"] == "awaiting_user_input"
    assert terminal.run("verify", "s").returncode == 0


def test_b47_a_delegate_that_is_not_there_is_named_and_its_parent_left_alone(terminal: Terminal) -> None:
    assert terminal.run("run", "--session", "s", *terminal.script(FINISH), "go").returncode == 0
    before = terminal.records("s")
    for command in (("say", "s~7", "hello"), ("stop", "s~7"), ("pause", "s~7")):
        done = terminal.run(*command)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert "there is no session 's~7'" in done.stderr
    assert terminal.records("s") == before


def test_b11_a_session_that_is_closed_is_closed_again_without_a_word_in_its_log(terminal: Terminal) -> None:
    assert terminal.run("run", "--session", "s", *terminal.script(FINISH), "go").returncode == 0
    assert terminal.run("close", "s").returncode == 0
    before = terminal.records("s")
    again = terminal.run("close", "s")
    assert (again.returncode, again.stderr) == (0, "session s is closed\n")
    assert terminal.records("s") == before


def test_b11_closing_again_ends_the_runner_that_a_driver_killed_while_closing_has_left(
    terminal: Terminal,
) -> None:
    home = Home(terminal.home)
    with System(home.path) as system:
        model = terminal.script(spoken("Yes?"))[1]
        session = system.start("go", session="s", model=model, sandbox="local")
        session.wait(timeout=60)
        system.submit("s", CloseSession(id="bye", at=0, by="user", reason="enough"))
        system.let_go("s", end_runner=False)  # As far as it got.
    runner = RunnerHands("s", home.runner("s"))
    assert runner.is_alive()
    assert terminal.run("close", "s").returncode == 0
    assert not runner.is_alive()


def test_b44_taking_up_what_has_ended_ends_the_runner_that_a_killed_driver_has_left(
    terminal: Terminal,
) -> None:
    home = Home(terminal.home)
    with System(home.path) as system:
        model = terminal.script(bash("echo 1"), FINISH)[1]
        system.start("go", session="s", model=model, sandbox="local").wait(timeout=60)
        system.let_go("s", end_runner=False)  # As far as it got.
    runner = RunnerHands("s", home.runner("s"))
    assert runner.is_alive()
    before = terminal.records("s")
    assert terminal.run("resume", "s").returncode == 0
    assert not runner.is_alive()
    assert terminal.records("s") == before
