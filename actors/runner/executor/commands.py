"""`run` as the agent knows it: one command at a time, a shell that remembers, and no wait without end."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from .capture import Captured
from .shell import Shell
from .terminal import cut, plain

type Observation = dict[str, Any]
type Glimpse = Callable[[str], None]

_GLIMPSE_EVERY_S = 0.1
_GLIMPSE_BYTES = 4096
_HOW_TO_GO_ON = (
    "Send an empty command to wait for more of it, send it text or a key (C-c, C-d, C-z) with is_input true, "
    "or interrupt it before the next command."
)


class Commands:
    """The persistent shell and what is known of the command in it."""

    def __init__(
        self,
        *,
        workspace: str,
        environment: Mapping[str, str],
        limit_s: float,
        silence_s: float,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self._workspace = workspace
        self._environment = dict(environment)
        self._renewed: dict[str, str] = {}
        """Variables that the shell has not been told of yet."""
        self._limits = limits
        self._limit_s = limit_s
        self._silence_s = silence_s
        self._shell = self._start()
        self._unfinished = ""
        """The command whose end has not been told yet."""
        self._interrupted = False

    @property
    def shell_pid(self) -> int:
        return self._shell.pid

    def run(self, action: Mapping[str, Any], glimpse: Glimpse) -> Observation:
        """Run a command or talk to the one that runs; return when it ends, is silent or takes too long."""
        command: str = action["command"]
        is_input = bool(action.get("is_input", False))
        limit_s = float(action.get("timeout") or self._limit_s)
        if action.get("restart"):
            return self._afresh(command, limit_s, glimpse)
        silence_s = math.inf if action.get("extra", {}).get("blocking") else self._silence_s
        if is_input or not command.strip() or (self._unfinished and _key(command)):
            return self._converse(command if is_input or command.strip() else "", limit_s, glimpse)
        if self._unfinished and self._shell.is_running():
            return self._not_executed(command)
        earlier = self._leftover()
        self._unfinished = command
        self._interrupted = False
        renewed, self._renewed = self._renewed, {}
        self._shell.begin(command, renewed)
        observation = self._follow(command, limit_s, glimpse, silence_s)
        return {**observation, "content": earlier + observation["content"]}

    def _afresh(self, command: str, limit_s: float, glimpse: Glimpse) -> Observation:
        """End the shell and what runs in its foreground, and go on in a new one."""
        self._shell.kill()
        if not self.await_shell_end():
            return _failure("The shell could not be ended, so no fresh one was started.")
        ended = self._end(self._unfinished)
        if not command.strip():
            return {**ended, "command": command, "exit_code": 0}
        observation = self.run({"command": command, "timeout": limit_s}, glimpse)
        return {**observation, "content": f"{ended['content']}\n{observation['content']}".rstrip("\n")}

    def renew(self, variables: Mapping[str, str]) -> None:
        """Have every later command find these variables, in this shell and in a fresh one."""
        self._environment |= variables
        self._renewed |= variables

    def interrupt(self) -> None:
        """End the command in the foreground, whoever waits for it."""
        if self._shell.is_running():
            self._interrupted = True
            self._shell.interrupt()

    def await_idle(self, timeout_s: float = 20.0) -> bool:
        """Wait until no command runs in the foreground."""
        return self._shell.wait_for(lambda: not self._shell.is_running(), timeout_s)

    def await_shell_end(self, timeout_s: float = 20.0) -> bool:
        return self._shell.wait_for(lambda: self._shell.ended is not None, timeout_s)

    def close(self) -> None:
        """End the shell and what runs in its foreground."""
        self._shell.kill()
        self.await_shell_end()
        self._shell.close()

    def _converse(self, text: str, limit_s: float, glimpse: Glimpse) -> Observation:
        """Send text or a key to the running command, or nothing, and wait for what it does."""
        if not self._unfinished:
            return _failure(
                f"No command is running that could read {text!r}. Run a command first."
                if text
                else "No command is running, so there is no more output to wait for."
            )
        typed = _key(text) or (text if text.endswith("\n") else text + "\n").encode("utf-8", "replace")
        if text and self._shell.is_running() and not self._shell.type(typed):
            return _failure("The running command does not read its input; not all of the text was delivered.")
        return self._follow(self._unfinished, limit_s, glimpse)

    def _leftover(self) -> str:
        """Return what is still to be told of what ended since the last action."""
        if not self._unfinished and self._shell.ended is None:
            return ""
        was = "before" if self._unfinished else "in the background"
        ended = self._end(self._unfinished)
        return f"{ended['content']}\n[The command {was} ended with exit code {ended['exit_code']}.]\n".lstrip(
            "\n"
        )

    def _start(self) -> Shell:
        return Shell(directory=self._workspace, environment=self._environment, limits=self._limits)

    def _follow(
        self, command: str, limit_s: float, glimpse: Glimpse, silence_s: float | None = None
    ) -> Observation:
        """Wait until the command ends, is silent for too long, or takes too long."""
        shell, silence_s = self._shell, self._silence_s if silence_s is None else silence_s
        began = heard = time.monotonic()
        shown = 0.0
        written = shell.output.written
        while shell.is_running():
            now = time.monotonic()
            until = min(heard + silence_s, began + limit_s)
            with shell.news:
                if shell.is_running() and shell.output.written == written and now < until:
                    shell.news.wait(until - now)
                latest = shell.output.latest(min(shell.output.written - written, _GLIMPSE_BYTES))
                news, written = shell.output.written != written, shell.output.written
            now = time.monotonic()
            heard = now if news else heard
            if news and latest and now - shown >= _GLIMPSE_EVERY_S:
                shown = now
                glimpse(plain(latest))
            if shell.is_running() and now - heard >= silence_s:
                return self._goes_on(command, f"has no new output after {silence_s:g} seconds")
            if shell.is_running() and now - began >= limit_s:
                return self._goes_on(command, f"timed out after {limit_s:g} seconds")
        return self._end(command)

    def _goes_on(self, command: str, why: str) -> Observation:
        note = f"[The command {why} and goes on running. {_HOW_TO_GO_ON}]"
        return self._output(command, -1, note)

    def _end(self, command: str) -> Observation:
        self._unfinished = ""
        note = "[The command was interrupted.]" if self._interrupted else ""
        self._interrupted = False
        if self._shell.ended is None:
            return self._output(command, self._shell.exit_code, note)
        shell, ended, taken = self._shell, self._shell.ended, self._shell.take()
        self._shell = self._start()  # If that fails, the next action tries again.
        shell.close()
        note += (
            f"[The shell ended with exit code {ended}. A fresh one has been started in {self._workspace}; "
            "directory and variables of the old one are gone.]"
        )
        return self._output(command, ended, note, taken)

    def _not_executed(self, command: str) -> Observation:
        taken = _text(self._shell.take())
        why = "the previous command is still running."
        note = f'[Your command "{command}" is NOT executed: {why} {_HOW_TO_GO_ON}]'
        return _failure(f"{taken}\n{note}" if taken else note)

    def _output(
        self, command: str, exit_code: int, note: str = "", taken: Captured | None = None
    ) -> Observation:
        text = _text(self._shell.take() if taken is None else taken)
        return {
            "kind": "run",
            "content": f"{text}\n{note}" if text and note else text or note,
            "exit_code": exit_code,
            "command": command,
            "directory": self._shell.directory,
        }


def _text(taken: Captured) -> str:
    if not taken.dropped:
        return cut(plain(taken.head + taken.tail).rstrip())
    head, tail = plain(taken.head), plain(taken.tail).rstrip()
    return cut(head + "\n" + tail, unseen=taken.dropped)


def _key(command: str) -> bytes:
    """Return the byte of a key such as C-c; b"" for anything else."""
    name = command.strip()
    if len(name) == len("C-c") and name.startswith("C-") and name[2].isascii() and name[2].upper() in _KEYS:
        return bytes([ord(name[2].upper()) & 0x1F])
    return b""


_KEYS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_")


def _failure(text: str) -> Observation:
    return {"kind": "error", "content": f"ERROR: {text}" if not text.endswith("]") else text}
