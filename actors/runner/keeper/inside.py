"""The keeper's hold on the executor: a child process at the other end of two pipes."""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH123

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any

from ..executor.lines import Lines, line  # noqa: TID252 - a plain folder has no other name

_READY_S = 30.0
_END_S = 3.0
_LAST_WORDS_S = 1.0
_READ_BYTES = 65536
_LOG_SHOWN = 2000


class ExecutorFailed(Exception):
    """The executor did not come up; the message holds what it said."""


class Inside:
    """The executor, started by the command that a sandbox gave."""

    def __init__(
        self,
        command: Sequence[str],
        settings: dict[str, Any],
        log: str,
        mask: Callable[[str], str] | None = None,
    ) -> None:
        self._log, self._mask = log, mask
        self._logging: threading.Thread | None = None
        self._lines = Lines()
        with open(log, "ab") as errors:
            said_before = errors.tell()
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the command comes from the driver that launched us
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors if mask is None else subprocess.PIPE,
                    bufsize=0,
                    cwd="/",
                    env={},
                )
            except OSError as error:
                raise ExecutorFailed(f"cannot start {command[0]}: {error.strerror}") from error
        assert self._process.stdin is not None  # noqa: S101 - PIPE makes it so; this is for the type checkers
        assert self._process.stdout is not None  # noqa: S101 - PIPE makes it so; this is for the type checkers
        self._in = self._process.stdin
        self.descriptor = self._process.stdout.fileno()
        if self._process.stderr is not None:
            self._logging = threading.Thread(
                target=self._write_log, args=(self._process.stderr,), daemon=True
            )
            self._logging.start()
        self.tell(settings)
        until = time.monotonic() + _READY_S
        while not (messages := self._read_until(until)):
            if messages is None:
                self.end()
                with open(log, "rb") as errors:
                    errors.seek(said_before)
                    said = errors.read()[-_LOG_SHOWN:].decode("utf-8", "replace").strip()
                raise ExecutorFailed(said or "the executor did not answer")
        if "failed" in messages[0]:
            self.end()
            raise ExecutorFailed(messages[0]["failed"])
        os.set_blocking(self.descriptor, False)

    def tell(self, message: dict[str, Any]) -> None:
        data = line(message)
        try:
            while data:
                data = data[self._in.write(data) or 0 :]
        except OSError:
            pass  # It is gone; its output ends, and that is where it shows.

    def read(self) -> list[dict[str, Any]] | None:
        """Return the messages that have arrived; None when the executor is gone."""
        messages: list[dict[str, Any]] = []
        try:
            while data := os.read(self.descriptor, _READ_BYTES):
                messages += self._lines.feed(data)
        except BlockingIOError:
            return messages
        except ValueError:
            self._process.kill()  # Whatever it is that speaks now, it is not our executor.
        return messages or None

    def end(self) -> None:
        """Close its input, which ends it, and insist if it does not."""
        self._in.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._logging is not None:
            self._logging.join(_LAST_WORDS_S)  # A stray process may hold the pipe.

    def _write_log(self, said: IO[bytes]) -> None:
        """Take down what the executor says beside its answers, without secrets."""
        with open(self._log, "ab", buffering=0) as log:
            log.writelines(
                (self._mask or str)(text.decode("utf-8", "replace")).encode("utf-8", "replace")
                for text in said
            )

    def _read_until(self, until: float) -> list[dict[str, Any]] | None:
        ready, _, _ = select.select([self.descriptor], [], [], max(0.0, until - time.monotonic()))
        data = os.read(self.descriptor, _READ_BYTES) if ready else b""
        return self._lines.feed(data) if data else None
