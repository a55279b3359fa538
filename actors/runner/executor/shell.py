"""A bash that outlives its commands, on a terminal of its own.

Its commands come through a pipe, not through the terminal: a program that reads the terminal can never eat
the next command, and input for a program that has just ended is never taken for a command. The end of a
command is told by a mark in the terminal's stream, which puts it in order with the output, and by exit code
and directory on a side channel.
"""

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType

from .bash import START, Descriptors, begin, mark, prepare
from .capture import Capture, Captured
from .limits import limit
from .processes import unimpressed
from .pseudo_terminal import PseudoTerminal

_START_S = 20.0
_FD_MIN = 200
_READ_BYTES = 65536
_LAST_OUTPUT_S = 0.2
_ASKED_S = 1.0
_KILLED_S = 1.0


class ShellFailed(Exception):
    """No shell could be started."""


class Shell:
    """One bash process. `news` is notified of output, the end of a command and the end of the shell."""

    def __init__(
        self, *, directory: str, environment: Mapping[str, str], limits: Mapping[str, int] | None = None
    ) -> None:
        self.news = threading.Condition()
        self.output = Capture()
        self.exit_code = 0
        self.directory = directory
        self.ended: int | None = None
        """The exit code of the shell itself, once it is gone."""
        self._running = True
        self._drained = False
        self._released = threading.Event()
        self._pending = b""
        halves = os.urandom(16).hex(), os.urandom(16).hex()
        self._mark = mark(halves)
        self._terminal = PseudoTerminal()
        self._process = self._spawn(environment)
        self.pid = self._process.pid
        self._bind(limits or {})
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._wait, daemon=True).start()
        with contextlib.suppress(BrokenPipeError):  # It ended at once; what it said is told below.
            os.write(self._lines, prepare(self._descriptors, halves=halves))
        self._await_first_prompt()

    def is_running(self) -> bool:
        """Whether a command runs in the foreground."""
        return self._running

    def begin(self, command: str, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        """Give the idle shell a command, and variables that it and all later ones are to find."""
        self._terminal.make_plain()
        with self.news:
            self._running = True
        os.write(self._lines, begin(self._descriptors, variables))
        text = command.replace("\0", "").encode("utf-8", "replace") + b"\0"
        with contextlib.suppress(BlockingIOError):
            text = text[os.write(self._texts, text) :]
        if text:  # The pipe is smaller than the command: feed the rest from aside.
            threading.Thread(target=self._feed, args=(text,), daemon=True).start()

    def type(self, data: bytes, *, timeout_s: float = 5.0) -> bool:
        return self._terminal.type(data, timeout_s=timeout_s)

    def take(self) -> Captured:
        with self.news:
            return self.output.take()

    def wait_for(self, happened: Callable[[], bool], timeout_s: float) -> bool:
        with self.news:
            return self.news.wait_for(happened, timeout_s)

    def interrupt(self) -> None:
        """End what runs in the foreground: ask, then kill, then give up the shell."""
        asked = self._ask()
        if self.wait_for(lambda: not self._running, _ASKED_S):
            return
        self._ask_again(asked)
        if self.wait_for(lambda: not self._running, _ASKED_S):
            return
        if (group := self._terminal.foreground()) not in {0, self.pid}:
            _signal(group, signal.SIGKILL)
            if self.wait_for(lambda: not self._running, _KILLED_S):
                return
        self.kill()

    def kill(self) -> None:
        for group in {self._terminal.foreground(), self.pid} - {0}:
            _signal(group, signal.SIGKILL)

    def _ask(self) -> int:
        """Interrupt what is in the foreground, as a person would; return the process group that it was."""
        if (group := self._terminal.foreground()) > 0:
            _signal(group, signal.SIGINT)
        return group

    def _ask_again(self, asked: int) -> None:
        """Ask whoever did not hear it, because it was just being started."""
        if asked != self.pid:  # A child that was still the shell's copy when it heard has forgotten it.
            for process in unimpressed(asked, signal.SIGINT):
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGINT)
        elif self._terminal.foreground() != self.pid:  # It was the shell itself, making way for a program.
            self._ask()

    def close(self) -> None:
        """Let go of an ended shell's descriptors."""
        for descriptor in (self._lines, self._texts, self._status):
            os.close(descriptor)
        self._released.set()

    def _spawn(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        lines, self._lines = os.pipe()
        text, self._texts = os.pipe()
        self._status, status = os.pipe()
        os.set_blocking(self._status, False)
        os.set_blocking(self._texts, False)
        slave = self._terminal.slave
        theirs = Descriptors(
            *(fcntl.fcntl(number, fcntl.F_DUPFD, _FD_MIN) for number in (text, status, slave))
        )
        self._descriptors = theirs
        try:
            return subprocess.Popen(  # noqa: S603 - the agent's shell is the point
                [*START, os.ttyname(slave)],
                stdin=lines,
                stdout=slave,
                stderr=slave,
                cwd=self.directory,
                env={**environment, "PS1": "", "PS2": ""},
                pass_fds=theirs,
                start_new_session=True,
            )
        except OSError as error:
            raise ShellFailed(f"cannot start a shell in {self.directory}: {error.strerror}") from error
        finally:
            for descriptor in (lines, text, status, slave, *theirs):
                os.close(descriptor)

    def _bind(self, limits: Mapping[str, int]) -> None:
        try:
            limit(self.pid, limits)
        except (OSError, ValueError) as error:
            self._process.kill()
            raise ShellFailed(f"the limits {dict(limits)} cannot be set: {error}") from error

    def _await_first_prompt(self) -> None:
        ready = self.wait_for(lambda: not self._running, _START_S)
        said = b"".join(self.take()[:2]).decode("utf-8", "replace").strip()
        if self.ended is not None or not ready:
            raise ShellFailed(f"bash did not start: {said or 'no answer'}")

    def _feed(self, text: bytes) -> None:
        with contextlib.suppress(OSError):  # The shell is gone; `ended` says so.
            while text:
                select.select([], [self._texts], [])
                text = text[os.write(self._texts, text) :]

    def _read(self) -> None:
        while data := self._terminal.read(_READ_BYTES):
            with self.news:
                self._accept(data)
                self.news.notify_all()
        with self.news:
            self.output.write(self._pending)
            self._pending = b""
            self._drained = True
            self.news.notify_all()
        self._released.wait()  # Until then somebody may still name the terminal by its number.
        os.close(self._terminal.master)

    def _accept(self, data: bytes) -> None:
        data = self._pending + data
        while (place := data.find(self._mark)) >= 0:
            self.output.write(data[:place])
            data = data[place + len(self._mark) :]
            self._finish()
        held = _overlap(data, self._mark)
        self._pending = data[len(data) - held :]
        self.output.write(data[: len(data) - held])

    def _finish(self) -> None:
        said = b""
        with contextlib.suppress(BlockingIOError):  # The status was written before the mark, so it is there.
            while not said.endswith(b"\0"):
                said += os.read(self._status, _READ_BYTES)
        code, _, directory = said.rstrip(b"\0").rpartition(b"\0")[2].partition(b" ")
        self.exit_code = int(code or b"0")
        self.directory = directory.decode("utf-8", "replace") or self.directory
        self._running = False

    def _wait(self) -> None:
        code = self._process.wait()
        with self.news:
            # Background processes may hold the terminal open for ever: its last output gets a moment only.
            self.news.wait_for(lambda: self._drained, _LAST_OUTPUT_S)
            self.ended = self.exit_code = code if code >= 0 else 128 - code
            self._running = False
            self.news.notify_all()


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(group, number)


def _overlap(data: bytes, token: bytes) -> int:
    """Return how many bytes at the end of `data` may be the beginning of `token`."""
    begins = max(0, len(data) - len(token) + 1)
    while (begins := data.find(token[:1], begins)) >= 0:
        if token.startswith(data[begins:]):
            return len(data) - begins
        begins += 1
    return 0
