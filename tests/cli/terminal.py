"""A person's terminal: real `refold` processes in one home, and scripts for the models that they ask."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from refold.home import Home
from refold.look import reading
from refold.projections.render import Renderer
from tests.campaign.script import answer

WAIT_S = 90

type Step = tuple[str, dict[str, Any]] | str
"""A tool call, or a script's line as it is."""

FINISH: Step = ("finish", {"message": "done"})


def bash(command: str) -> Step:
    return "execute_bash", {"command": command}


def parallel(*commands: str) -> Step:
    """Return an answer that calls for several commands at once."""
    lines = [json.loads(answer(100 + n, "execute_bash", {"command": c})) for n, c in enumerate(commands)]
    calls = [line["choices"][0]["message"]["tool_calls"][0] for line in lines]
    lines[0]["choices"][0]["message"]["tool_calls"] = calls
    return json.dumps(lines[0])


def spoken(text: str) -> Step:
    """Return an answer without a tool call: the agent asks back."""
    line = json.loads(answer(0, "think", {}))
    line["choices"][0]["message"] = {"role": "assistant", "content": text}
    return json.dumps(line)


def failing(status: int, **more: object) -> Step:
    return json.dumps({"error": {"status": status, "message": f"failed with {status}", **more}})


class Terminal:
    """Runs `refold` in one home, as a person in a terminal would whose output is piped."""

    def __init__(self, folder: Path, bytecode: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.gate = folder / "gate"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("REFOLD", "OPENAI", "ANTHROPIC"))}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environment = {**kept, "PYTHONPYCACHEPREFIX": str(bytecode)}  # Half of a short command's time.

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; whatever happens, nobody is shown a traceback."""
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_S,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr + done.stdout
        assert "internal error" not in done.stderr
        return done

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "refold", *arguments, "--home", str(self.home)]

    def script(self, *steps: Step, name: str = "script") -> list[str]:
        """Write a script and return the options that have it answer."""
        lines = [step if isinstance(step, str) else answer(n, *step) for n, step in enumerate(steps)]
        path = self.folder / f"{name}.jsonl"
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return ["--model", f"script:{path}", "--sandbox", "local"]

    def gated(self, before: str = "begun") -> Step:
        """Return a command that says it began, and ends once the gate is open."""
        return bash(f"echo {before}; until [ -e {self.gate} ]; do sleep 0.05; done; echo through")

    def open_gate(self) -> None:
        self.gate.touch()

    def started(self, *steps: Step, options: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        """Drive session `s` in another process, and return once its first command is under way."""
        driver = self.begin("run", "--session", "s", "--json", *options, *self.script(*steps), "go")
        assert driver.stdout is not None
        for line in driver.stdout:
            if json.loads(line)["type"] == "ActionStarted":
                return driver
        raise AssertionError(driver.communicate()[1])

    def records(self, session: str) -> list[dict[str, Any]]:
        """Return what `events --json` prints, without the half second that a process takes."""
        renderer = Renderer()
        with reading(Home(self.home)) as log:
            return [json.loads(renderer.line(record)) for record in log.read(session)]

    def observations(self, session: str) -> list[dict[str, Any]]:
        records = self.records(session)
        return [r["data"]["observation"] for r in records if r["type"] == "ObservationRecorded"]

    def count(self, session: str, kind: str) -> int:
        return sum(record["type"] == kind for record in self.records(session))

    def shown(self, session: str, *options: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.run("show", session, "--json", *options).stdout)
        return shown

    def workspace(self, session: str) -> Path:
        return self.home / "sessions" / session / "workspace"

    def processes(self) -> list[str]:
        """Return the processes that work in this home or hold a file of it: driver, keeper, shell."""
        numbers = (place for place in Path("/proc").iterdir() if place.name.isdigit())
        return [place.name for place in numbers if self._ours(place)]

    def _ours(self, process: Path) -> bool:
        """Say whether a process's working directory or an open file of it lies in this home."""
        try:
            held = [process / "cwd", *(process / "fd").iterdir()]
            return any(str(link.readlink()).startswith(str(self.home)) for link in held)
        except OSError:  # It ended while we looked.
            return False


def ended(driver: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Return a process's exit code, and what else it wrote."""
    output, said = driver.communicate(timeout=WAIT_S)
    assert "Traceback" not in said
    return driver.returncode, output, said


def until(true: Callable[[], bool], wait_s: float = WAIT_S) -> None:
    """Return once something holds that another process brings about."""
    give_up = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < give_up, "it did not come about"
        time.sleep(0.02)
