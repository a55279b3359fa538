"""Whatever a user gets wrong is answered in one line: what was asked, what was found, what to do next.

A row is a command, its exit code, and what the line says: the parts that `…` sets apart, in order. Words
of a command are parted by spaces; `{folder}` and `{script}` are what the home was furnished with.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.terminal import FINISH, Terminal

pytestmark = pytest.mark.xdist_group("mistakes")  # They are made once for all.


class Answered(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


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
    (terminal.folder / "newer.json").write_text(
        '{"schema_version": "ATIF-v9.0", "steps": [1]}', encoding="utf-8"
    )
    (terminal.folder / "broken.toml").write_text("[limits\n", encoding="utf-8")
    (terminal.folder / "wrong.toml").write_text('[limits]\niterations = "many"\n', encoding="utf-8")
    (terminal.folder / "nobody.toml").write_text("[agents.helper]\n", encoding="utf-8")
    (terminal.folder / "moon.toml").write_text('[agents.helper]\nagent = "moon"\n', encoding="utf-8")
    (terminal.folder / "server.toml").write_text(
        '[mcp.clock]\ncommand = "true"\nenv = ["NOWHERE", "NOHOW"]\n', encoding="utf-8"
    )
    (terminal.folder / "weak").write_text("x\n", encoding="utf-8")
    (terminal.folder / "stranger.json").write_text('[{"id": 0, "foo": 1}]', encoding="utf-8")
    return terminal


MISTAKES = [
    ("bogus", 2, "no command 'bogus' … `refold --help` lists them"),
    ("say done caf\udce9", 2, "is not UTF-8"),
    ("sohw done", 2, "did you mean `refold show`"),
    ("run --bogus x", 2, "No such option … `refold run --help` shows how"),
    ("run", 2, "Missing argument … `refold run --help` shows how"),
    ("run --model script:x --env A-B=c go", 2, '"A-B", which no environment variable can be called'),
    ("run --model script:x --mount /tmp:/d --mount /:/d go", 2, '"/d", as that of another mount'),
    ("show nobody", 2, "no session 'nobody' … `refold ls` lists those that are there"),
    ("show ../done", 2, "'../done' cannot name a session … it takes letters"),
    ("show done --at 999", 2, "versions 0 to … 999 was asked for"),
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
    ("confirm done", 2, "nothing waits … `refold show done` says how it stands"),
    ("reject done", 2, "nothing waits … `refold show done`"),
    ("pause done", 2, "cannot pause … finished … `refold show done`"),
    ("say done ", 2, "the message is empty"),
    ("resume done --message ", 2, "the message is empty"),
    ("resume done --model moon/x", 2, "openai/NAME"),
    ("continue done --max-iterations 0", 2, "--max-iterations"),
    ("continue done --budget 1", 2, "--price"),
    ("continue done --budget -1", 2, "above 0"),
    ("resume done --budget 1 --price 1,1", 2, "unknown price … go on without"),
    ("resume imported", 2, "refold replay imported"),
    ("say imported hello", 2, "refold fork imported"),
    ("stop imported", 2, "refold replay imported"),
    ("run x", 2, "no model was named … set REFOLD_MODEL"),
    ("run --model nonsense x", 2, "openai/NAME"),
    ("run --model openai/some x", 2, "needs a key … set OPENAI_API_KEY"),
    ("run --model script:/nowhere x", 2, "script /nowhere cannot be read … No such file"),
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
    ("run --model {script} --confirm maybe x", 2, "--confirm 'maybe' is unknown … never, always"),
    ("run --model {script} --workspace /nowhere x", 2, "/nowhere is not a folder … make it first"),
    ("run --model {script} --sandbox moon x", 2, 'option: sandbox is "moon"; it must be bubblewrap, docker'),
    ("run --model {script} --max-iterations 0 x", 2, "--max-iterations"),
    ("import /nowhere", 2, "no file or folder /nowhere … `refold import --help`"),
    ("import {folder}/malformed.jsonl", 1, "not JSON … line 1, column 2 … `refold import --help`"),
    ("import {folder}/stranger.json", 1, "event 0 (id 0): no 'source' … `refold import --help`"),
    ("replay nobody", 2, "'nobody' is neither a file nor a session … `refold ls`"),
    ("replay {folder}/stranger.json", 1, "event 0"),
    ("import {folder}/trajectory.json --session done", 2, "'done' exists already"),
    ("import {folder}/newer.json", 1, "'schema_version' is ATIF-v9.0 … ATIF-v1.0 or a later 1.x"),
    ("import {folder}", 1, "no events in it … `refold import --help`"),
    ("run --model {script} --workspace {folder}/newer.json x", 2, "is not a folder … leave --workspace out"),
    ("run --model {script} --secret-env NOWHERE x", 2, "NOWHERE is not in the environment … try again"),
    (
        "run --model {script} --secret-env NOWHERE --secret-env NOHOW --secret-env NEVER x",
        2,
        "the secrets NOWHERE, NOHOW and NEVER are not in the environment … set these variables",
    ),
    (
        "run --model {script} --config {folder}/server.toml x",
        2,
        "not in the environment: NOWHERE, NOHOW",
    ),
    ("run --model {script} --env NOWHERE x", 2, "NOWHERE from the environment, where it is not set … set it"),
    ("run --model {script} --risk huge x", 2, "--risk 'huge' is no risk … low, medium or high"),
    (
        "run --model {script} --analyzer moon x",
        2,
        'option: analyzer is "moon"; it must be model, none, rules',
    ),
    ("run --model {script} --repo /nowhere x", 2, "no repository at /nowhere"),
    ("run --model {script} --branch b x", 2, 'option: branch is "b", of no repository … --repo'),
    ("run --model {script} --mount /nowhere x", 2, "'/nowhere' is not SOURCE:TARGET"),
    ("run --model {script} --sandbox remote x", 2, "where is the runner? … --runner tls://HOST:PORT"),
    ("run --model {script} --sandbox remote --runner moon x", 2, "'moon' is no runner's address … write tls"),
    ("runner frob --token-file {folder}/wrong.toml", 2, "it is `refold runner serve`"),
    ("runner serve --token-file /nowhere", 2, "the token file /nowhere cannot be read: No such file"),
    ("runner serve --token-file {folder}/wrong.toml", 2, "does not hold a token"),
    ("runner serve --token-file {folder}/weak", 2, "can be guessed … openssl rand -hex 32"),
    ("run --model {script} --repo  x", 2, "option: repository is empty; name one"),
    ("run --model {script} --repo {folder} --branch -b x", 2, 'branch is "-b", which cannot be checked out'),
    (
        "run --model {script} --config {folder}/nobody.toml x",
        2,
        "nobody.toml: agents.helper.agent is missing … codeact",
    ),
    (
        "run --model {script} --config {folder}/moon.toml x",
        2,
        'moon.toml: agents.helper.agent is "moon"; it must be codeact, reader',
    ),
    ("run --model openai/x --base-url localhost:1 x", 2, 'base_url is "localhost:1" … http:// or https://'),
    ("run --model {script} --workspace {folder}/home x", 2, "is Refold's own; name another folder"),
    ("run --model {script} --workspace {folder}/home/log x", 2, "is Refold's own; name another folder"),
    ("run --model {script} --secret-env HOME --env HOME x", 2, "secrets.HOME cannot name a secret"),
    ("config --config /nowhere", 2, "the configuration /nowhere is not there"),
    ("run --model {script} --config /nowhere x", 2, "/nowhere"),
    ("run --model {script} --agent moon x", 2, 'option: agent is "moon"; it must be codeact, reader'),
    (
        "run --model {script} --mount /usr:/workspace x",
        2,
        'option: runtime.mounts[1].target is "/workspace"; that place is taken',
    ),
    ("run --model {script} --budget inf --price 1,1 x", 2, "option: limits.budget_usd is inf; … above 0"),
    ("config --config {folder}/moon.toml", 2, 'moon.toml: agents.helper.agent is "moon"; it must be codeact'),
    ("run --model {script} --config {folder}/broken.toml x", 2, "broken.toml"),
    ("run --model {script} --config {folder}/wrong.toml x", 2, "wrong.toml … iterations"),
]


IN_ONE_PROCESS = """
import contextlib, io, json, sys
from refold.cli.main import main
for given in json.load(sys.stdin):
    told, said, code = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(said):
        try:
            main(given)
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, told.getvalue(), said.getvalue()]), flush=True)
"""
"""Makes one mistake after another: a process for each would take minutes."""


@pytest.fixture(scope="module")
def answers(furnished: Terminal) -> dict[str, Answered]:
    """Return what each mistake was answered with."""
    script = f"script:{furnished.folder}/script.jsonl"
    commands = [command for command, _, _ in MISTAKES]
    given = [
        [*command.format(folder=furnished.folder, script=script).split(" "), "--home", str(furnished.home)]
        for command in commands
    ]
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_PROCESS],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        env=furnished.environment,
    )
    answered = [Answered(*json.loads(line)) for line in done.stdout.splitlines()]
    return dict(zip(commands, answered, strict=True))


@pytest.mark.parametrize(("command", "code", "said"), MISTAKES)
def test_a_mistake_is_answered_with_what_to_do(
    answers: dict[str, Answered], command: str, code: int, said: str
) -> None:
    done = answers[command]
    assert (done.returncode, done.stdout) == (code, "")
    assert "internal error" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("refold: ")
    at = 0
    for part in said.split(" … "):
        assert part in line[at:], line
        at = line.index(part, at) + len(part)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_workspace_that_may_not_be_read_is_named(terminal: Terminal) -> None:
    (closed := terminal.folder / "closed").mkdir(mode=0)
    done = terminal.run("run", "--workspace", str(closed), *terminal.script(FINISH), "go")
    assert done.returncode == 2
    assert f"the workspace {closed} cannot be read and written" in done.stderr


def test_a_home_that_cannot_be_one_is_named_with_what_to_do(terminal: Terminal) -> None:
    (file := terminal.folder / "file").touch()
    script = terminal.script(FINISH)
    told = f"refold: the home {file} is not a folder; name another one by --home or REFOLD_HOME\n"
    terminal.home = file
    for command in (("ls",), ("show", "s"), ("resume", "s"), ("doctor",), ("audit",), ("run", *script, "go")):
        done = terminal.run(*command)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", told)
    terminal.home = file / "below"
    done = terminal.run("run", *script, "go")
    assert done.returncode == 1
    assert "cannot be made: Not a directory; name another one" in done.stderr
    unset = [*terminal.command("ls")[:-1], ""]
    empty = subprocess.run(unset, capture_output=True, text=True, check=False, env=terminal.environment)
    assert empty.returncode == 2
    assert "it is empty; name a folder, or leave it out" in empty.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_home_of_somebody_else_is_named_with_what_to_do(terminal: Terminal) -> None:
    (closed := terminal.folder / "closed").mkdir(mode=0)
    terminal.home = closed
    for command in (("ls",), ("run", *terminal.script(FINISH), "go")):
        done = terminal.run(*command)
        assert done.returncode == 1
        assert f"the home {closed} cannot be read" in done.stderr
        assert "let this user read and write it" in done.stderr


def test_a_mistake_leaves_nothing_behind(terminal: Terminal) -> None:
    for command in ("show s", "resume s", "say s hello", "stop s", "audit"):
        assert terminal.run(*command.split()).returncode == 2, command
    assert not terminal.home.exists()
    assert terminal.run("run", "--model", "script:/nowhere", "x").returncode == 2
    assert not (terminal.home / "sessions").exists()
    assert terminal.run("ls", "--json").stdout == ""
