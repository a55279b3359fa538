"""The persistent shell, with what agents really type."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from refold.actors.runner.executor.commands import Commands
from refold.actors.runner.executor.processes import unimpressed
from refold.actors.runner.executor.shell import ShellFailed

type Run = Callable[..., dict[str, Any]]

SILENCE_S = 0.4


def start(directory: Path) -> Commands:
    return Commands(
        workspace=str(directory),
        environment={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(directory), "TERM": "dumb"},
        limit_s=20.0,
        silence_s=SILENCE_S,
    )


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    commands = start(tmp_path)
    yield commands
    commands.close()


@pytest.fixture
def run(commands: Commands) -> Run:
    def run(command: str, **arguments: object) -> dict[str, Any]:
        return commands.run({"command": command, **arguments}, lambda _: None)

    return run


@pytest.mark.parametrize(
    ("command", "content", "exit_code"),
    [
        ("echo hello", "hello", 0),
        ("printf no-newline", "no-newline", 0),
        ("true", "", 0),
        ("(exit 7)", "", 7),
        ("echo one\necho two\n\n", "one\ntwo", 0),
        ("cat <<'END'\n  $kept as it is\nEND", "  $kept as it is", 0),
        ("for i in 1 2; do\n  echo $i\ndone", "1\n2", 0),
        ("# a comment", "", 0),
        ("echo 'Hello!' !!", "Hello! !!", 0),
        ("echo \"it's\"  # don't", "it's", 0),
        ("nosuchprogram", "bash: nosuchprogram: command not found", 127),
        ("echo ü → ok", "ü → ok", 0),
        ("printf 'a\\rb\\r\\nc\\r\\n'", "b\nc", 0),
        ("printf '\\033[31mred\\033[0m \\033]0;title\\007plain'", "red plain", 0),
        ("printf 'x\\0y\\001z'", "xyz", 0),
        ("printf '\\377\\376'", "\ufffd\ufffd", 0),
        ("test -t 0 && test -t 1 && tty -s && echo terminal", "terminal", 0),
        ("cat < /dev/null | wc -l", "0", 0),
        ("set -x; true; set +x", "++ true\n++ set +x", 0),
    ],
)
def test_a_command_gives_its_output_and_exit_code(
    run: Run, command: str, content: str, exit_code: int
) -> None:
    observation = run(command)
    assert (observation["content"], observation["exit_code"]) == (content, exit_code)
    assert run("echo next")["content"] == "next"


@pytest.mark.parametrize(
    "command", ['echo "open', "if; then", "for i in 1 2; do", "echo $(", "cat <<END", ")"]
)
def test_a_syntax_error_is_an_answer_and_the_shell_goes_on(run: Run, command: str) -> None:
    observation = run(command)
    assert "bash:" in observation["content"] or command == "cat <<END"
    again = run("echo next; false")
    assert (again["content"], again["exit_code"]) == ("next", 1)


def test_directory_variables_functions_and_the_last_status_persist(run: Run, tmp_path: Path) -> None:
    assert run("mkdir below; cd below; export NAME=value; greet() { echo hi $1; }; false")["exit_code"] == 1
    observation = run('echo "$? $NAME $(greet you)"; pwd')
    assert observation["content"] == f"1 value hi you\n{tmp_path}/below"
    assert observation["directory"] == f"{tmp_path}/below"


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 3", 3), ("exec sh -c 'exit 4'", 4), ("set -e\nfalse", 1), ("kill -9 $$", 137)],
)
def test_a_shell_that_ends_is_replaced_and_says_so(run: Run, tmp_path: Path, command: str, code: int) -> None:
    run("cd /; X=1")
    observation = run(command)
    assert observation["exit_code"] == code
    assert f"The shell ended with exit code {code}" in observation["content"]
    assert run('echo "$X"; pwd')["content"] == f"\n{tmp_path}"


def test_a_shell_that_is_killed_while_nobody_looks_is_replaced_before_the_next_command(
    run: Run, commands: Commands, tmp_path: Path
) -> None:
    run("mkfifo door; (read x < door; kill -9 $$) &")
    (tmp_path / "door").write_text("go\n")
    assert commands.await_shell_end()
    assert run("echo alive")["content"].endswith("alive")


def test_a_shell_comes_back_once_its_workspace_does(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ShellFailed, match="No such file or directory"):
        run(f"rm -rf {tmp_path}; exit 3")
    with pytest.raises(ShellFailed):
        run("echo still gone")
    tmp_path.mkdir()
    assert run("pwd")["content"].endswith(str(tmp_path))


@pytest.mark.parametrize(
    "command",
    [
        "PROMPT_COMMAND=",
        "unset PROMPT_COMMAND",
        "PS1='> '",
        "exec 2>/dev/null",
        "trap 'true' DEBUG",
        "set -u",
    ],
)
def test_a_command_cannot_talk_the_shell_out_of_telling_its_end(run: Run, command: str) -> None:
    assert run(command)["exit_code"] == 0
    assert run("echo next")["content"] == "next"
    assert run("sh -c 'exit 5'")["exit_code"] == 5


def test_what_commands_inherit_is_only_their_terminal(run: Run) -> None:
    assert run("ls /proc/self/fd")["content"].split() == ["0", "1", "2", "3"]


def test_endless_output_is_cut_in_the_middle_with_a_note_of_how_much(run: Run) -> None:
    content = run("echo begin; head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end")["content"]
    assert content.startswith("begin\nx")
    assert content.endswith("x\nend")
    assert len(content) < 31_000
    assert "characters left out" in content


def test_b23_a_silent_command_gives_control_back_and_goes_on(run: Run) -> None:
    first = run("echo asked; read answer; echo got $answer")
    assert first["exit_code"] == -1
    assert first["content"].startswith("asked\n[The command has no new output after 0.4 seconds")
    assert (again := run(""))["exit_code"] == -1
    assert "asked" not in again["content"]
    assert "NOT executed" in run("echo another")["content"]
    last = run("yes please", is_input=True)
    assert (last["content"], last["exit_code"]) == ("got yes please", 0)


def test_b23_a_command_over_its_time_limit_gives_control_back_and_goes_on(run: Run) -> None:
    observation = run("while true; do echo tick; sleep 0.05; done", timeout=0.5)
    assert observation["exit_code"] == -1
    assert "tick\n[The command timed out after 0.5 seconds" in observation["content"]
    assert run("C-c", is_input=True)["exit_code"] == 130


@pytest.mark.parametrize(
    ("command", "key", "exit_code"),
    [
        ("sleep 60", "C-c", 130),
        ("while :; do :; done", "C-c", 130),
        ("sleep 60; echo not reached", "C-c", 130),
        ("cat", "C-d", 0),
        ("sleep 60", "C-z", 148),
        ("sleep 60", "C-\\", 131),
    ],
)
def test_b23_keys_reach_the_running_command(run: Run, command: str, key: str, exit_code: int) -> None:
    assert run(command)["exit_code"] == -1
    observation = run(key, is_input=True)
    assert observation["exit_code"] == exit_code
    assert "not reached" not in observation["content"]
    assert run("echo next")["content"].endswith("next")


@pytest.mark.parametrize("arguments", [{"command": ""}, {"command": "text", "is_input": True}])
def test_b23_waiting_or_input_without_a_command_is_an_error(run: Run, arguments: dict[str, Any]) -> None:
    observation = run(**arguments)
    assert observation["kind"] == "error"
    assert "No command is running" in observation["content"]


def test_b23_output_that_comes_while_nobody_asks_is_not_lost(run: Run, commands: Commands) -> None:
    run("echo one; sleep 0.6; head -c 100000 /dev/zero | tr '\\0' y; echo; echo two")
    assert commands.await_idle()
    observation = run("echo three")
    assert observation["content"].endswith("y\ntwo\n[The command before ended with exit code 0.]\nthree")
    assert observation["exit_code"] == 0


def test_a_program_that_reads_the_terminal_gets_none_of_the_next_command(run: Run) -> None:
    run("sh -c 'read line; echo \"got $line\"'")
    assert "got typed" in run("typed", is_input=True)["content"]
    run("cat > /dev/null")
    run("C-c", is_input=True)
    assert run("cat", timeout=0.2)["content"].startswith("[The command timed out")
    run("C-d", is_input=True)


def test_a_program_that_leaves_the_terminal_raw_does_no_harm(run: Run) -> None:
    run("stty raw echo onlcr")
    assert run("printf 'a\\nb'")["content"] == "a\nb"
    run("sleep 60")
    assert run("C-c", is_input=True)["exit_code"] == 130


def test_a_large_command_arrives_whole(run: Run) -> None:
    text = "x" * 200_000
    assert run(f"cat > big <<'END'\n{text}\nEND\nwc -c < big")["content"] == "200001"


def test_a_background_process_does_not_hold_the_shell(run: Run) -> None:
    started = run("sleep 60 & echo started")
    assert started["exit_code"] == 0
    assert run("kill %1; wait; echo over")["content"].endswith("over")


@pytest.mark.parametrize(
    "command", ["sleep 60", "trap '' INT; while :; do sleep 1; done", "while :; do :; done"]
)
def test_an_interrupted_command_ends_however_stubborn_it_is(
    run: Run, commands: Commands, command: str
) -> None:
    run(command)
    commands.interrupt()
    observation = run("")
    assert observation["exit_code"] > 0
    assert "[The command was interrupted.]" in observation["content"]
    assert run("echo next")["content"] == "next"


@pytest.mark.parametrize("mode", ["true", "set -e", "set -x", "trap 'echo seen >> seen' DEBUG; set -T"])
def test_variables_that_are_renewed_are_found_by_later_commands_and_by_a_fresh_shell(
    run: Run, commands: Commands, mode: str
) -> None:
    value = 'it\'s "new"\n$HOME ü'
    run(f"readonly FIXED=1; kept=here; {mode}")
    run("(exit 7)" if mode != "set -e" else "true")
    commands.renew({"RENEWED": value, "FIXED": "2"})
    seen = run('{ echo "$? $kept $FIXED <$RENEWED>"; printenv RENEWED; } 2>/dev/null')
    status = 0 if mode == "set -e" else 7
    assert seen["content"].endswith(f"{status} here 1 <{value}>\n{value}")
    assert "export" not in seen["content"]
    assert run("exit 3")["exit_code"] == 3
    assert run('echo "$FIXED <$RENEWED>"')["content"] == f"2 <{value}>"


def test_a_command_that_is_interrupted_while_it_is_being_started_hears_of_it(
    run: Run, commands: Commands, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "door")
    with ThreadPoolExecutor() as pool:
        for _ in range(10):
            observation = pool.submit(run, "echo now > door; sleep 60", extra={"blocking": True})
            (tmp_path / "door").read_bytes()
            commands.interrupt()
            assert observation.result()["exit_code"] == 130


def test_who_lives_on_after_a_signal_and_does_not_mind_it_has_not_had_it() -> None:
    minding = "import signal, time; signal.signal(signal.SIGINT, print); print(flush=True); time.sleep(60)"
    with (
        subprocess.Popen([sys.executable, "-c", minding], stdout=subprocess.PIPE, process_group=0) as first,
        subprocess.Popen(["sleep", "60"], process_group=first.pid) as second,
        subprocess.Popen(["sleep", "60"], process_group=0) as third,
    ):
        assert first.stdout is not None
        first.stdout.readline()
        assert unimpressed(first.pid, signal.SIGINT) == [second.pid]
        assert unimpressed(third.pid, signal.SIGINT) == [third.pid]
        for process in (first, second, third):
            process.kill()


def test_b23_a_restart_ends_what_runs_and_gives_a_fresh_shell(run: Run, tmp_path: Path) -> None:
    run("cd / && export A=1")
    assert run("sleep 60")["exit_code"] == -1
    afresh = run("", restart=True)
    assert afresh["exit_code"] == 0
    assert "The shell ended with exit code 137. A fresh one has been started" in afresh["content"]
    assert run('echo "$PWD <$A>"')["content"] == f"{tmp_path} <>"


def test_b23_a_restart_may_bring_the_next_command_along(run: Run) -> None:
    assert run("trap '' INT TERM; while :; do :; done")["exit_code"] == -1
    afresh = run("echo back", restart=True)
    assert (afresh["exit_code"], afresh["content"].splitlines()[-1]) == (0, "back")
    assert run("", restart=True)["exit_code"] == 0
