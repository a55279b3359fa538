"""Everything tries to say a secret: tools, models, errors, paths and skill texts. Nobody gets to hear one.

Searched for over the raw bytes of every file that was written, and of all that was printed.
"""

import base64
import json
import os
import shlex
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import FINISH, Step, Terminal, bash, failing, parallel, spoken

NAME, SECRET = "HOUSE_TOKEN", 's3cr3t/of the+house&"no one\'s"='
SANDBOXES = ["local", pytest.param("bubblewrap", marks=pytest.mark.needs_bubblewrap)]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path, tmp_path / "bytecode")


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """Yield what may be found nowhere, made without our own masker."""
    raw = secret.encode()
    yield "plain", raw
    yield "json", json.dumps(secret)[1:-1].encode()
    yield "json twice", json.dumps(json.dumps(secret)[1:-1])[1:-1].encode()
    yield "url", urllib.parse.quote(secret, safe="").encode()
    yield "form", urllib.parse.quote_plus(secret).encode()
    yield "hex", raw.hex().encode()
    yield "HEX", raw.hex().upper().encode()
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + raw)
        yield f"base64 at {offset}", encoded[4 * ((offset + 2) // 3) : 4 * ((offset + len(raw)) // 3)]


def leaks(what: dict[str, bytes], secret: str = SECRET) -> list[str]:
    known = tuple(forms(secret))
    return [f"{form} in {where}" for where, data in what.items() for form, text in known if text in data]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def script() -> list[Step]:
    """Return the answers of a model that has been told to say it, and has its commands say it too."""
    python = f"import base64, json, os, urllib.parse as u; s = os.environ['{NAME}']; b = s.encode(); "
    said = (
        "print(s, repr(s), json.dumps(s), json.dumps(json.dumps([s])), u.quote(s, safe=''), u.quote_plus(s), "
        "b.hex(), b.hex(' '), b.hex().upper(), *(base64.b64encode(b'x' * n + b).decode() for n in range(3)), "
        "base64.encodebytes(b * 9).decode())"
    )
    return [
        bash(f"printf '%s\\n' \"${NAME}\"; env | grep {NAME}"),
        bash(f'python3 -c "{python}{said}"'),
        bash(f"echo {shlex.quote(SECRET)}"),
        bash(f'cat "/nowhere/${NAME}"; cd "/nowhere/${NAME}"; "${NAME}"'),
        bash(f'printf "%s" "${NAME}" > /proc/$PPID/fd/2; printf "%s\\n" "${NAME}" >&2'),
        bash(f"for i in $(seq 4000); do printf '%s\\n' \"${NAME}\"; done"),
        ("str_replace_editor", {"command": "view", "path": f"/nowhere/{SECRET}"}),
        ("str_replace_editor", {"command": "create", "path": "notes", "file_text": f"a {SECRET} b"}),
        ("str_replace_editor", {"command": "view", "path": "notes"}),
        (f"tool_{SECRET}", {SECRET: [SECRET, {"deep": SECRET}]}),
        ("think", {"thought": f"it is {SECRET}, in hex {SECRET.encode().hex()}"}),
        parallel(f"echo {NAME}", f'printf "%s" "${NAME}" | od -An -tx1'),
        escaped(f"true # {SECRET}"),
        failing(503, detail=SECRET),
        json.dumps({"error": {"status": 500, "message": f"no access with {SECRET}"}}),
        spoken(f"The secret is {SECRET}. {base64.b64encode(SECRET.encode()).decode()}"),
    ]


def escaped(command: str) -> str:
    """Return an answer whose arguments are JSON with every character escaped, as it may be."""
    text = "".join(f"\\u{ord(one):04x}" for one in command)
    function = {"name": "execute_bash", "arguments": f'{{"command": "{text}"}}'}
    call = {"id": "escaped", "type": "function", "function": function}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]})


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_b03_no_secret_is_found_anywhere_after_everything_tried_to_say_it(
    terminal: Terminal, tmp_path: Path, sandbox: str
) -> None:
    steps, environment = script(), {NAME: SECRET, "REFOLD_LOG": "debug"}
    workspace = tmp_path / "workspace"
    (workspace / ".refold" / "skills").mkdir(parents=True)
    (workspace / "AGENTS.md").write_text(f"Use {SECRET} here.", encoding="utf-8")
    skill = f"---\nname: house\ntriggers: [house]\n---\nThe token is {SECRET}."
    (workspace / ".refold" / "skills" / "house.md").write_text(skill, encoding="utf-8")
    (workspace / ".refold" / "setup.sh").write_text(f'echo "${NAME}"; echo "${NAME}" >&2', encoding="utf-8")
    given = set(files(tmp_path))
    options = terminal.script(*steps, FINISH)
    options[-1] = sandbox
    written = {*set(files(tmp_path)) - given, *given}  # What the person wrote, and says it.
    ran = terminal.run(
        "run", "--session", "s", "--workspace", str(workspace), "--secret-env", NAME, *options,
        f"open the house with {SECRET}", **environment,
    )  # fmt: skip
    shown = {"run": ran}
    shown["say"] = terminal.run("say", "s", f"and again: {SECRET}", **environment)
    shown["missing"] = terminal.run("resume", "s", "-m", "go on")
    assert shown["missing"].returncode == 2
    assert NAME in shown["missing"].stderr
    for command in (("show", "s"), ("events", "s", "--json"), ("ls",), ("verify", "s"), ("doctor",)):
        shown[" ".join(command)] = terminal.run(*command)
    for form in ("openhands", "jsonl"):
        shown[form] = terminal.run("export", "s", "--format", form)
    observed = json.dumps(terminal.observations("s"))
    assert observed.count("<secret_hidden>") > 500
    assert shown["verify s"].returncode == 0
    printed = {name: (done.stdout + done.stderr).encode() for name, done in shown.items()}
    assert leaks(printed) == []
    ours = {name: data for name, data in files(tmp_path).items() if name not in written}
    assert leaks(ours) == []


def test_b03_a_secret_is_in_no_command_line_and_no_environment_but_the_shells(
    terminal: Terminal,
) -> None:
    gate, secret = terminal.gated(), f"{SECRET} of its own"
    driver_environment = {**terminal.environment, NAME: secret}
    command = terminal.command(
        "run", "--session", "s", "--json", "--secret-env", NAME, *terminal.script(gate, FINISH), "go"
    )
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=driver_environment) as driver:
        assert driver.stdout is not None
        for line in driver.stdout:
            if json.loads(line)["type"] == "ActionStarted":
                break
        lines: dict[str, bytes] = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                lines[process.name] = (process / "cmdline").read_bytes()
            except OSError:
                continue
        assert any(b"keeper" in line for line in lines.values())
        assert leaks(lines, secret) == []
        terminal.open_gate()
        driver.stdout.read()
        assert driver.wait(60) == 0
    assert leaks(files(terminal.home), secret) == []


def test_the_search_finds_what_it_is_looking_for() -> None:
    said = subprocess.run(
        [sys.executable, "-c", f"import os; print('a', os.environ['{NAME}'])"],
        env={**os.environ, NAME: SECRET},
        capture_output=True,
        check=True,
    )
    assert leaks({"it": said.stdout}) == ["plain in it"]
    for form, text in forms(SECRET):
        assert any(found.startswith(form) for found in leaks({"it": b"a" + text + b"b"}))
