"""The driver's end of the line to a keeper: requests, answers, and the loss told to everyone who waits."""

import contextlib
import json
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import msgspec

from refold.actors.runner.executor.lines import Lines, line
from refold.actors.runner.recovery import collect_or_execute
from refold.actors.runner.runner import KeyState, OnGlimpse, RunnerLost, RunnerRefused
from refold.actors.runtime.port import Prepared
from refold.eventlog.actions import Action
from refold.eventlog.observations import Failure, Observation

_CONNECT_S = 10.0
_END_S = 15.0
_READ_BYTES = 65536
_CLOSED = "the runner is gone, or the connection to it was closed"

type _Answer = dict[str, Any]


def connect(directory: Path, epoch: int, *, secrets: Sequence[str] = ()) -> "RunnerClient | None":
    """Return the runner that serves `directory`, or None if nobody does. Older epochs are closed by it.

    It hears of the `secrets` first, and keeps them out of whatever it writes and tells.

    Raises `RunnerRefused` when a younger epoch drives already.
    """
    found = reach(directory)
    return None if found is None else greet(found[0], found[1], epoch, secrets=secrets)


def reach(directory: Path) -> tuple[socket.socket, str] | None:
    """Return a socket that leads to the keeper of `directory`, and its session's name; None without one."""
    try:
        place = json.loads((directory / "runner.json").read_bytes())
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except (FileNotFoundError, ValueError):
        return None
    try:
        link.settimeout(_CONNECT_S)
        link.connect(place["socket"])
    except OSError:
        link.close()
        return None
    return link, place["session"]


def greet(
    link: socket.socket, session: str, epoch: int, *, secrets: Sequence[str] = (), ours: bool = True
) -> "RunnerClient | None":
    """Present an epoch to the keeper at the other end; None if it hangs up. Raises `RunnerRefused`.

    `ours` says that its process is one of this machine.
    """
    try:
        link.settimeout(_CONNECT_S)
        link.sendall(line({"session": session, "epoch": epoch, "secrets": secrets}))
        said, rest = _first_line(link)
    except OSError:
        link.close()
        return None
    if "refused" in said:
        link.close()
        raise RunnerRefused(said["refused"])
    if "welcome" not in said:
        link.close()
        return None
    link.settimeout(None)
    pid: int = said["pid"]
    client = RunnerClient(link, incarnation=said["welcome"], pid=pid if ours else 0, heard=rest)
    client.found = tuple(said.get("found", ()))
    return client


class RunnerClient:
    """A connection to a living runner; every method may be called from any thread."""

    def __init__(self, link: socket.socket, *, incarnation: str, pid: int, heard: bytes = b"") -> None:
        self.incarnation = incarnation
        self.pid = pid
        self.found: tuple[str, ...] = ()
        """Scripts in the workspace that a start heeds."""
        self._link = link
        self._process = _process(pid) if pid else None
        self._lines = Lines(heard)
        self._lock = threading.Lock()
        self._number = 0
        self._waiting: dict[int, Future[_Answer]] = {}
        self._glimpses: dict[str, OnGlimpse] = {}
        self._over: Exception | None = None
        self._closed = False
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="runner-client", daemon=True)
        self._reader.start()

    def execute(
        self, key: str, digest: str, action: Action, *, on_glimpse: OnGlimpse | None = None
    ) -> Observation:
        if on_glimpse is not None:
            self._glimpses[key] = on_glimpse
        try:
            answer = self._request("execute", key=key, digest=digest, action=msgspec.to_builtins(action))
        finally:
            self._glimpses.pop(key, None)
        return _observation(answer)

    def collect_or_execute(
        self,
        key: str,
        digest: str,
        action: Action,
        started_incarnation: str,
        *,
        on_glimpse: OnGlimpse | None = None,
    ) -> Observation:
        return collect_or_execute(self, key, digest, action, started_incarnation, on_glimpse=on_glimpse)

    def prepare(self, key: str, repository: dict[str, Any]) -> Prepared:
        """Have a repository in the workspace. Raises `RunnerLost`, `RunnerRefused`."""
        answer = self._request("prepare", key=key, repository=repository)
        return msgspec.convert(answer["prepared"], Prepared)

    def ask(self, key: str) -> KeyState | Observation:
        answer = self._request("ask", key=key)
        if "observation" in answer:
            return _observation(answer)
        state: KeyState = answer["state"]
        return state

    def acknowledge(self, key: str) -> None:
        self._request("acknowledge", key=key)

    def interrupt(self, key: str) -> None:
        self._request("interrupt", key=key)

    def end(self) -> None:
        if self._ended:
            return
        if self._closed or isinstance(self._over, RunnerRefused):
            raise self._over or RunnerLost(_CLOSED)  # It is not, or no longer, ours to end.
        assert self.pid  # noqa: S101 - a process of another machine is ended there
        with contextlib.suppress(OSError):
            self._send({"id": 0, "do": "end"})
        if not _is_over(self._process, self.pid, timeout_s=_END_S):
            os.kill(self.pid, signal.SIGKILL)  # Its executor sees the end of its input and goes as well.
        self._ended = True
        self.close()

    def close(self) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        if threading.current_thread() is not self._reader:
            self._reader.join()
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            os.close(process)

    def _request(self, do: str, **arguments: Any) -> _Answer:  # noqa: ANN401 - whatever JSON can say
        future: Future[_Answer] = Future()
        with self._lock:
            if self._over is not None:
                raise self._over
            self._number += 1
            number = self._number
            self._waiting[number] = future
        with contextlib.suppress(
            OSError
        ):  # The reader sees the end too, and why; it fails everyone who waits.
            self._send({"id": number, "do": do, **arguments})
        answer = future.result()
        if "refused" in answer:
            raise RunnerRefused(answer["refused"])
        return answer

    def _send(self, message: dict[str, Any]) -> None:
        data = line(message)
        with self._lock:
            self._link.sendall(data)

    def _read(self) -> None:
        over: Exception = RunnerLost(_CLOSED)
        with contextlib.suppress(OSError, ValueError):
            while data := self._link.recv(_READ_BYTES):
                for message in self._lines.feed(data):
                    if "closed" in message:
                        over = RunnerRefused(message["closed"])
                    self._dispatch(message)
        with self._lock:
            self._over = over
            waiting, self._waiting = self._waiting, {}
        self._link.close()
        for future in waiting.values():
            future.set_exception(over)

    def _dispatch(self, message: _Answer) -> None:
        if "glimpse" in message:
            if (show := self._glimpses.get(message["glimpse"])) is not None:
                with contextlib.suppress(Exception):  # A spectator's trouble is not ours.
                    show(message["text"])
        elif "id" in message:
            with self._lock:
                future = self._waiting.pop(message["id"], None)
            if future is not None:
                future.set_result(message)


def _observation(answer: _Answer) -> Observation:
    try:
        observation: Observation = msgspec.convert(answer["observation"], Observation)
    except msgspec.ValidationError as error:
        return Failure(content=f"ERROR:\nThe runner gave an answer that cannot be read: {error}.")
    return observation


def _first_line(link: socket.socket) -> tuple[_Answer, bytes]:
    said = b""
    while b"\n" not in said:
        if not (data := link.recv(_READ_BYTES)):
            return {}, b""
        said += data
    first, _, rest = said.partition(b"\n")
    answer: _Answer = json.loads(first)
    return answer, rest


def _process(pid: int) -> int | None:
    """Hold on to a process by descriptor, so that another one with its number is never mistaken for it."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return None


def _is_over(process: int | None, pid: int, *, timeout_s: float) -> bool:
    """Wait for the end of a process; False if it has not come in time."""
    if process is not None:
        return bool(select.select([process], [], [], timeout_s)[0])
    until = time.monotonic() + timeout_s
    while _lives(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
