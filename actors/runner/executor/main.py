"""The loop inside the sandbox: actions come in as JSON lines and observations go out, until input ends."""

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from .bounded import within
from .cells import Cells
from .commands import Commands
from .editor import Editor
from .limits import limit
from .lines import line
from .processes import adopt_orphans, end_descendants, reap
from .shell import ShellFailed
from .text_file import Unreadable, shown
from .viewer import read


class Executor:
    """Carries out one action after the other, in the order in which they came; looks at files at once."""

    def __init__(self, settings: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
        self._workspace: str = settings["workspace"]
        self._limit_s: float = settings["action_timeout_s"]
        os.umask(settings["umask"])
        self._tell = tell
        limits: dict[str, int] = settings.get("limits", {})
        # Files that the editor writes are files as well; the rest would count this process's own life.
        limit(0, {name: most for name, most in limits.items() if name == "file_bytes"})
        self._commands = Commands(
            workspace=self._workspace,
            environment=settings["environment"],
            limit_s=settings["action_timeout_s"],
            silence_s=settings["silence_timeout_s"],
            limits=limits,
        )
        self._editor = Editor(workspace=self._workspace)
        self._cells = Cells(
            workspace=self._workspace,
            environment=settings["environment"],
            limit_s=settings["action_timeout_s"],
        )
        self._in_cell = False
        self._current: str | None = None
        self._todo: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def accept(self, message: dict[str, Any]) -> None:
        if "interrupt" in message:
            if self._current not in (None, message["interrupt"]):
                return  # What it meant is over; the next action is not to suffer for it.
            ending = self._cells.interrupt if self._in_cell else self._commands.interrupt
            threading.Thread(target=ending, daemon=True).start()
        elif "environment" in message:
            self._todo.put(message)  # What was sent before it still runs as it was sent.
        elif message["action"].get("kind") == "read":  # Whoever sends it lets nothing run that changes files.
            threading.Thread(target=self._look, args=(message,), daemon=True).start()
        else:
            self._todo.put(message)

    def _work(self) -> None:
        while True:
            message = self._todo.get()
            if "environment" in message:
                self._commands.renew(message["environment"])
                self._cells.renew(message["environment"])
                continue
            self._current = key = str(message["key"])
            observation = self._carry_out(key, message["action"])
            self._current = None
            self._tell({"key": key, "observation": observation})
            reap(but=self._commands.shell_pid)

    def _look(self, message: dict[str, Any]) -> None:
        key = str(message["key"])
        self._tell({"key": key, "observation": self._carry_out(key, message["action"])})

    def _carry_out(self, key: str, action: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._perform(key, action)
        except Unreadable as error:
            return {"kind": "error", "content": f"ERROR:\n{error}"}
        except Exception as error:  # noqa: BLE001 - whatever fails in here, the action gets its answer
            return {"kind": "error", "content": shown(f"ERROR:\n{type(error).__name__}: {error}")}

    def _perform(self, key: str, action: dict[str, Any]) -> dict[str, Any]:
        match action.get("kind"):
            case "run":
                return self._commands.run(action, lambda text: self._tell({"glimpse": key, "text": text}))
            case "read":
                return within(self._limit_s, lambda: read(action, workspace=self._workspace))
            case "edit":
                return within(self._limit_s, lambda: self._editor.edit(action))
            case "run_ipython":
                return self._run_cell(action)
            case "write":
                return within(self._limit_s, lambda: self._editor.write(action))
            case kind:
                raise Unreadable(f"Tool not available: {kind}.")

    def _run_cell(self, action: dict[str, Any]) -> dict[str, Any]:
        self._in_cell = True
        try:
            return self._cells.run(action)
        finally:
            self._in_cell = False


def probe() -> None:
    """Do nothing: whoever can call this has everything that an executor needs."""


def main() -> None:
    """Serve the keeper on standard input and output until it closes them; leave no process behind."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # What is ignored here could not be sent to any command either.
    adopt_orphans()
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # Whatever else writes to standard output must not end up among the answers.
    lock = threading.Lock()

    def tell(message: dict[str, Any]) -> None:
        with lock:
            data = line(message)
            while data:
                data = data[answers.write(data) or 0 :]

    try:
        executor: Executor | None = None
        for text in sys.stdin.buffer:
            message = json.loads(text)
            if executor is None:
                executor = Executor(message, tell)
                tell({"ready": os.getpid()})
            else:
                executor.accept(message)
    except (ShellFailed, OSError, ValueError) as error:
        tell({"failed": str(error)})
    finally:
        end_descendants()
        os._exit(0)
