"""Where the home is named, and what the exit code of a run says."""

import json
from pathlib import Path

import pytest

from tests.cli.terminal import FINISH, Terminal, bash, failing, parallel, spoken


def test_the_home_may_be_named_before_the_command_or_in_the_environment(terminal: Terminal) -> None:
    assert terminal.run("run", "--session", "done", *terminal.script(FINISH), "go").returncode == 0
    assert terminal.run("--json", "ls").stdout == terminal.run("ls", "--json").stdout
    place = str(terminal.home)
    elsewhere = Terminal(terminal.folder / "elsewhere", Path(terminal.environment["PYTHONPYCACHEPREFIX"]))
    seen = terminal.run("ls", "--json").stdout
    assert elsewhere.run(f"--home={place}", "ls", "--json").stdout == ""  # The last one named holds.
    assert [json.loads(line)["session"] for line in seen.splitlines()] == ["done"]


@pytest.mark.parametrize(
    ("steps", "options", "code", "status"),
    [
        ([FINISH], [], 0, "finished"),
        ([spoken("what now?")], [], 3, "awaiting_user_input"),
        ([bash("true"), FINISH], ["--confirm", "always"], 3, "awaiting_user_confirmation"),
        ([bash("echo 1"), bash("echo 2"), FINISH], ["--max-iterations", "1"], 1, "error"),
        ([bash("true")], [], 1, "error"),
        ([failing(401)], [], 1, "error"),
        ([failing(429, retry_after=0.1), failing(503), FINISH], [], 0, "finished"),
        ([parallel("echo 1", "echo 2"), FINISH], [], 0, "finished"),
    ],
)
def test_the_exit_code_says_how_the_session_rests(
    terminal: Terminal, steps: list[str], options: list[str], code: int, status: str
) -> None:
    done = terminal.run("run", "--session", "s", "--json", *options, *terminal.script(*steps), "go")
    assert done.returncode == code
    assert terminal.shown("s")["status"] == status
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert printed == terminal.records("s")
    assert [record["version"] for record in printed] == list(range(len(printed)))
    again = terminal.run("resume", "s")
    assert (again.returncode, len(terminal.records("s"))) == (code, len(printed))
