"""`run_ipython` as the agent knows it: cells in one lasting interpreter, where a Python has IPython."""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH100, PTH118, PTH120

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from .text_file import Unreadable

_KERNEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernel.py")
_START_S = 30.0
_INTERRUPT_S = 2.0
_READ_BYTES = 65536


class Cells:
    """One interpreter for all cells, started with the first; what it holds lasts until it is lost."""

    def __init__(self, *, workspace: str, environment: Mapping[str, str], limit_s: float) -> None:
        self.workspace, self._environment, self._limit_s = workspace, dict(environment), limit_s
        self._renewed: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = b""

    def run(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """Run a cell. One that takes too long is interrupted; one that ignores it loses the interpreter."""
        code: str = action["code"]
        limit_s = float(action.get("timeout") or self._limit_s)
        process = (
            self._process if self._process is not None and self._process.poll() is None else self._start()
        )
        note = ""
        self._send(process, {"code": code, "environment": self._renewed})
        self._renewed = {}
        answer = self._answer(process, limit_s)
        if answer is None and process.poll() is None:
            note = f"[The cell was interrupted after {limit_s:g} seconds.]"
            self.interrupt()
            answer = self._answer(process, _INTERRUPT_S)
        if answer is None:
            self.close()
            raise Unreadable(
                f"The interpreter was lost with all that it held, and starts afresh. {note}".rstrip()
            )
        content = "\n".join(part for part in (answer["content"].rstrip("\n"), note) if part)
        return {"kind": "run_ipython", "content": content, "code": code}

    def renew(self, variables: Mapping[str, str]) -> None:
        """Have every later cell find these variables."""
        self._environment |= variables
        self._renewed |= variables

    def interrupt(self) -> None:
        """Interrupt the cell that runs, whoever waits for it."""
        if self._process is not None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGINT)

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self.close()
        tried = [os.path.join(self.workspace, ".venv", "bin", "python"), "python3", "python"]
        for python in tried:
            try:
                process = subprocess.Popen(  # noqa: S603 - the workspace's own interpreter
                    [python, "-u", _KERNEL],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    cwd=self.workspace,
                    env=dict(self._environment),
                    bufsize=0,
                    start_new_session=True,
                )
            except OSError:
                continue
            self._process, self._heard = process, b""
            if "ready" in (self._answer(process, _START_S) or {}):
                return process
            self.close()
        raise Unreadable(
            f"Tool not available: run_ipython: no Python here has IPython (tried {', '.join(tried)}). "
            "Install the package ipython into the workspace's .venv, or use execute_bash."
        )

    def _send(self, process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        with contextlib.suppress(OSError):  # It is gone: nothing comes back, and that is where it shows.
            while data and process.stdin is not None:
                data = data[process.stdin.write(data) or 0 :]

    def _answer(self, process: subprocess.Popen[bytes], limit_s: float) -> dict[str, Any] | None:
        """Return the next line; None where the interpreter ended, or took too long."""
        if process.stdout is None:
            return None
        until = time.monotonic() + limit_s
        while b"\n" not in self._heard:
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))
            data = os.read(process.stdout.fileno(), _READ_BYTES) if ready else b""
            if not data:
                return None
            self._heard += data
        first, _, self._heard = self._heard.partition(b"\n")
        answer: dict[str, Any] = json.loads(first)
        return answer
