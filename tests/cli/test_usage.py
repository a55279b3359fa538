"""A mistake is answered with what was wrong and what to do; data alone goes to stdout."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.terminal import FINISH, Terminal, bash, failing, parallel, spoken

type Completed = subprocess.CompletedProcess[str]

IMPORTABLE = [
    {"id": 0, "source": "user", "action": "message", "args": {"content": "hi"}},
    {"id": 1, "source": "agent", "action": "finish", "args": {"thought": "bye"}},
]


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory, bytecode: Path) -> Terminal:
    """Return a terminal whose home has a finished session and an imported one; no test changes them."""
    terminal = Terminal(tmp_path_factory.mktemp("furnished"), bytecode)
    assert terminal.run("run", "--session", "done", *terminal.script(FINISH), "go").returncode == 0
    trajectory = terminal.folder / "trajectory.json"
    trajectory.write_text(json.dumps(IMPORTABLE), encoding="utf-8")
    done = terminal.run("import", str(trajectory), "--session", "imported", "--json")
    assert json.loads(done.stdout) == {"session": "imported", "events": 2}
    (terminal.folder / "malformed.jsonl").write_text("{no json\n", encoding="utf-8")
    (terminal.folder / "foreign.jsonl").write_text('{"foo": 1}\n', encoding="utf-8")
    (terminal.folder / "stranger.json").write_text('[{"id": 0, "foo": 1}]', encoding="utf-8")
    return terminal


MISTAKES = [
    ("bogus", 2, "no command 'bogus'"),
    ("say done caf\udce9", 2, "is not UTF-8"),
    ("sohw done", 2, "did you mean `refold show`"),
    ("run --bogus x", 2, "No such option"),
    ("run", 2, "Missing argument"),
    ("show nobody", 2, "no session 'nobody'"),
    ("show ../done", 2, "cannot name a session"),
    ("show done --at 999", 2, "versions 0 to"),
    ("show done --at -1", 2, "versions 0 to"),
    ("show done --at soon", 2, "--at"),
    ("events nobody", 2, "no session"),
    ("events done --after 999", 2, "versions 0 to"),
    ("export nobody", 2, "no session"),
    ("export done --format xml", 2, "openhands, atif, jsonl"),
    ("verify nobody", 2, "no session"),
    ("fork nobody --at 0", 2, "no session"),
    ("fork done --at 999", 2, "versions 0 to"),
    ("fork done --at 0 --session imported", 2, "exists already"),
    ("fork done --at 0 --workspace /nowhere", 2, "not a folder"),
    ("resume nobody", 2, "no session"),
    ("say nobody hello", 2, "no session"),
    ("pause nobody", 2, "no session"),
    ("confirm nobody", 2, "no session"),
    ("confirm done", 2, "nothing waits"),
    ("reject done", 2, "nothing waits"),
    ("pause done", 2, "cannot pause"),
    ("say done ", 2, "the message is empty"),
    ("resume done --message ", 2, "the message is empty"),
    ("resume done --model moon/x", 2, "openai/NAME"),
    ("continue done --max-iterations 0", 2, "--max-iterations"),
    ("continue done --budget 1", 2, "--price"),
    ("continue done --budget -1", 2, "above 0"),
    ("resume done --budget 1 --price 1,1", 2, "unknown price"),
    ("resume imported", 2, "refold replay imported"),
    ("say imported hello", 2, "refold fork imported"),
    ("stop imported", 2, "refold replay imported"),
    ("run x", 2, "no model was named"),
    ("run --model nonsense x", 2, "openai/NAME"),
    ("run --model openai/some x", 2, "OPENAI_API_KEY"),
    ("run --model script:/nowhere x", 2, "cannot be read"),
    ("run --model script:{folder}/malformed.jsonl x", 2, "line 1"),
    ("run --model script:{folder}/foreign.jsonl x", 2, "line 1"),
    ("run --model {script} ", 2, "the task is empty"),
    ("run --model {script} --session b@d x", 2, "cannot name a session"),
    ("run --model {script} --session  x", 2, "cannot name a session"),
    ("run --model {script} --session done x", 2, "refold resume done"),
    ("run --model {script} --price a,b x", 2, "two numbers"),
    ("run --model {script} --price nan,1 x", 2, "no price"),
    ("run --model {script} --budget 1 x", 2, "--price"),
    ("run --model {script} --budget nan --price 1,1 x", 2, "above 0"),
    ("run --model {script} --confirm maybe x", 2, "never or always"),
    ("run --model {script} --workspace /nowhere x", 2, "not a folder"),
    ("run --model {script} --sandbox moon x", 2, "no sandbox 'moon'"),
    ("run --model {script} --max-iterations 0 x", 2, "--max-iterations"),
    ("import /nowhere", 2, "no file"),
    ("import {folder}/malformed.jsonl", 1, "not JSON"),
    ("import {folder}/stranger.json", 1, "event 0"),
    ("replay nobody", 2, "neither a session"),
    ("replay {folder}/stranger.json", 1, "event 0"),
]


@pytest.fixture(scope="module")
def answers(furnished: Terminal) -> dict[str, Completed]:
    """Return what each mistake was answered with; several are made at a time, for they disturb nobody."""
    script = f"script:{furnished.folder}/script.jsonl"

    def make(command: str) -> Completed:
        return furnished.run(*command.format(folder=furnished.folder, script=script).split(" "))

    commands = [command for command, _, _ in MISTAKES]
    with ThreadPoolExecutor(4) as people:
        return dict(zip(commands, people.map(make, commands), strict=True))


@pytest.mark.parametrize(("command", "code", "said"), MISTAKES)
def test_a_mistake_is_answered_with_what_to_do(
    answers: dict[str, Completed], command: str, code: int, said: str
) -> None:
    done = answers[command]
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_mistake_leaves_nothing_behind(terminal: Terminal) -> None:
    for command in ("show s", "resume s", "say s hello", "stop s", "audit"):
        assert terminal.run(*command.split()).returncode == 2, command
    assert not terminal.home.exists()
    assert terminal.run("run", "--model", "script:/nowhere", "x").returncode == 2
    assert not (terminal.home / "sessions").exists()
    assert terminal.run("ls", "--json").stdout == ""


def test_the_home_may_be_named_before_the_command_or_in_the_environment(furnished: Terminal) -> None:
    assert furnished.run("--json", "ls").stdout == furnished.run("ls", "--json").stdout
    place = str(furnished.home)
    elsewhere = Terminal(furnished.folder / "elsewhere", Path(furnished.environment["PYTHONPYCACHEPREFIX"]))
    seen = furnished.run("ls", "--json").stdout
    assert elsewhere.run(f"--home={place}", "ls", "--json").stdout == ""  # The last one named holds.
    assert [json.loads(line)["session"] for line in seen.splitlines()] == ["done", "imported"]
    assert json.loads(seen.splitlines()[1])["pending"] == []


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
