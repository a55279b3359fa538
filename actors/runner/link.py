"""The driver's end of the line to a keeper: requests, answers, and the loss told to everyone who waits."""

import contextlib
import json
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from refold.actors.runner.executor.lines import Lines, line
from refold.actors.runner.life import PING, TRIES, answers, peer, put_down
from refold.actors.runner.recovery import collect_or_execute
from refold.actors.runner.runner import KeyState, OnGlimpse, RunnerLost, RunnerRefused
from refold.actors.runtime.port import Prepared
from refold.eventlog.actions import Action
from refold.eventlog.observations import Failure, Observation
from refold.eventlog.runtime_settings import HUNG_AFTER_S

_CONNECT_S = 10.0
_END_S = 15.0
_READ_BYTES = 65536
_CLOSED = "the runner is gone, or the connection to it was closed"

type _Answer = dict[str, Any]


def connect(
    directory: Path,
    epoch: int,
    *,
    secrets: Mapping[str, str] = MappingProxyType({}),
    hung_after_s: float = HUNG_AFTER_S,
) -> "RunnerClient | None":
    """Return the runner that serves `directory`, or None if nobody does. Older epochs are closed by it.

    It hears of the `secrets` first, by their names: later commands find them, and it keeps them out of all
    that it writes and tells. One that hangs is ended, and nobody serves then.

    Raises `RunnerRefused` when a younger epoch drives already.
    """
    found = reach(directory, hung_after_s=hung_after_s)
    if found is None:
        return None
    return greet(found[0], found[1], epoch, secrets=secrets, hung_after_s=hung_after_s)


def reach(directory: Path, *, hung_after_s: float = HUNG_AFTER_S) -> tuple[socket.socket, str] | None:
    """Return a socket that leads to the keeper of `directory`, and its session's name; None without one.

    A keeper that hangs is ended: it could carry out what it was told whenever it awakes.
    """
    try:
        place = json.loads((directory / "runner.json").read_bytes())
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    except (FileNotFoundError, ValueError):
        return None
    try:
        link.settimeout(_CONNECT_S)
        link.connect(place["socket"])
        if answers(place["socket"], within_s=hung_after_s):
            return link, place["session"]
        put_down(peer(link))
    except OSError:
        pass  # Nobody listens any more.
    link.close()
    return None


def greet(  # noqa: PLR0913 - who greets, and whom
    link: socket.socket,
    session: str,
    epoch: int,
    *,
    secrets: Mapping[str, str] = MappingProxyType({}),
    hung_after_s: float = HUNG_AFTER_S,
    ours: bool = True,
) -> "RunnerClient | None":
    """Present an epoch to the keeper at the other end; None if it hangs up. Raises `RunnerRefused`.

    `ours` says that its process is one of this machine.
    """
    try:
        link.settimeout(_CONNECT_S)
        hidden = {"secrets": list(secrets.values()), "variables": dict(secrets)}
        link.sendall(line({"session": session, "epoch": epoch, **hidden}))
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
    client = RunnerClient(
        link,
        incarnation=said["welcome"],
        pid=pid if ours else 0,
        heard=rest,
        hung_after_s=hung_after_s,
    )
    client.found = tuple(said.get("found", ()))
    return client


class RunnerClient:
    """A connection to a living runner; every method may be called from any thread."""

    def __init__(
        self,
        link: socket.socket,
        *,
        incarnation: str,
        pid: int,
        heard: bytes = b"",
        hung_after_s: float = HUNG_AFTER_S,
    ) -> None:
        self.incarnation = incarnation
        self.pid = pid
        self.found: tuple[str, ...] = ()
        """Scripts in the workspace that a start heeds."""
        self.heard = 0
        """How often the keeper has said anything."""
        self._try_s = hung_after_s / TRIES
        self._hung = f"the runner has given no sign of life for {hung_after_s:g} s: it hangs, or was stopped"
        self._link = link
        link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _timeval(self._try_s))
        self._process = _process(pid) if pid else None
        self._lines = Lines(heard)
        self._lock = threading.Lock()
        self._speaking = threading.Lock()
        self._number = 0
        self._waiting: dict[int, Future[_Answer]] = {}
        self._glimpses: dict[str, OnGlimpse] = {}
        self._over: Exception | None = None
        self._is_hung = False
        self._is_showing = False
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
            put_down(self.pid)
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
        answer = self._awaited(future)
        if "refused" in answer:
            raise RunnerRefused(answer["refused"])
        return answer

    def _send(self, message: dict[str, Any]) -> None:
        data = memoryview(line(message))
        tries = 0
        with self._speaking:
            while data:
                try:
                    data = data[self._link.send(data) :]
                    tries = 0
                except BlockingIOError:  # For as long as a try takes it has taken nothing.
                    tries += 1
                    if tries == TRIES:
                        self._give_up()
                        raise

    def _awaited(self, future: Future[_Answer]) -> _Answer:
        """Wait for as long as the keeper lives, which it is asked for now and then. Raises `RunnerLost`."""
        tries, heard = 0, self.heard
        while tries <= TRIES:
            with contextlib.suppress(TimeoutError):
                return future.result(self._try_s)
            # While a spectator keeps us from reading, what the keeper says is not heard.
            silent = self.heard == heard and not self._is_showing
            tries, heard = tries + 1 if silent else 1, self.heard
            with contextlib.suppress(OSError):  # The reader sees the end too.
                self._send(PING)
        self._give_up()
        return future.result()

    def _give_up(self) -> None:
        """Let go of a keeper that hangs; the reader tells everybody who waits."""
        self._is_hung = True
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        over: Exception = RunnerLost(_CLOSED)
        with contextlib.suppress(OSError, ValueError):
            while data := self._link.recv(_READ_BYTES):
                self.heard += 1
                for message in self._lines.feed(data):
                    if "closed" in message:
                        over = RunnerRefused(message["closed"])
                    self._dispatch(message)
        if self._is_hung:
            over = RunnerLost(self._hung)
        with self._lock:
            self._over = over
            waiting, self._waiting = self._waiting, {}
        self._link.close()
        for future in waiting.values():
            future.set_exception(over)

    def _dispatch(self, message: _Answer) -> None:
        if "glimpse" in message:
            if (show := self._glimpses.get(message["glimpse"])) is not None:
                self._is_showing = True
                with contextlib.suppress(Exception):  # A spectator's trouble is not ours.
                    show(message["text"])
                self._is_showing = False
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


def _timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))


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
