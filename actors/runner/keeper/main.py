"""The keeper's life: detach, take the lock, start the executor, listen, and leave nothing behind."""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH105, PTH108, PTH110, PTH115, PTH118, PTH120, PTH123

import contextlib
import fcntl
import functools
import json
import os
import selectors
import signal
import socket
import sys
import time
from typing import Any

from ..executor.processes import adopt_orphans, end_descendants  # noqa: TID252 - a plain folder has no other name
from ..masker import Masker  # noqa: TID252
from .connection import Connection
from .desk import Desk
from .inside import ExecutorFailed, Inside
from .journal import Journal
from .repository import found

_LOCK_S = 3.0


class Keeper:
    """Serves drivers until one of them ends it, its lease runs out, or the executor is gone."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._session: str = settings["session"]
        self._epoch: int = settings["epoch"]
        self._lease_s: float = settings["lease_s"]
        self._directory: str = settings["directory"]
        self._journal = Journal(os.path.join(self._directory, "journal.jsonl"))
        log, secrets = os.path.join(self._directory, "log"), settings.get("secrets", ())
        self._masker = Masker(secrets)
        mask = self._masked if secrets else None
        self._inside = Inside(settings["command"], settings["executor"], log, mask)
        self._desk = Desk(self._journal, self._inside, settings)
        self._connections: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._alone_since = time.monotonic()
        self._ending = False

    def listen(self) -> None:
        """Open the socket and say where it is; from here on drivers can connect."""
        path: str = self._settings["socket"]
        if os.path.exists(path):
            os.unlink(path)  # We hold the lock: whoever left it is gone.
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen()
        listener.settimeout(0.0)
        self._selector.register(listener, selectors.EVENT_READ, self._welcome)
        self._selector.register(self._inside.descriptor, selectors.EVENT_READ, self._hear)
        place = {
            "socket": path,
            "pid": os.getpid(),
            "session": self._session,
            "incarnation": self._settings["incarnation"],
        }
        temporary = os.path.join(self._directory, "runner.json.new")
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(place, file)
        os.replace(temporary, os.path.join(self._directory, "runner.json"))

    def serve(self) -> None:
        woken, wake = socket.socketpair()
        woken.settimeout(0.0)
        wake.settimeout(0.0)
        signal.set_wakeup_fd(wake.fileno())
        signal.signal(signal.SIGTERM, self._end)
        self._selector.register(woken, selectors.EVENT_READ, self._woken)
        self._desk.wake = lambda: wake.send(b"\0")
        while not self._ending:
            wait_s = None if self._driven else self._alone_since + self._lease_s - time.monotonic()
            if wait_s is not None and wait_s <= 0:
                break
            for entry, _ in self._selector.select(wait_s):
                entry.data(entry.fileobj)

    def leave(self) -> None:
        """End the executor and every command, then say goodbye: a driver that waits sees the end last."""
        self._desk.leave()
        self._inside.end()
        end_descendants()
        self._journal.close()
        for name in (self._settings["socket"], os.path.join(self._directory, "runner.json")):
            if os.path.exists(name):
                os.unlink(name)
        _sweep(os.path.join(os.path.dirname(self._directory), "control"))

    @property
    def _driven(self) -> bool:
        return any(connection.epoch is not None for connection in self._connections)

    def _end(self, *_: object) -> None:
        self._ending = True

    def _welcome(self, listener: socket.socket) -> None:
        connection = Connection(listener.accept()[0])
        self._connections.add(connection)
        self._selector.register(
            connection.link, selectors.EVENT_READ, functools.partial(self._attend, connection)
        )

    def _attend(self, connection: Connection, _: object) -> None:
        connection.flush()
        for request in connection.read():
            try:
                self._take_up(connection, request)
            except (KeyError, TypeError, ValueError, AttributeError):
                connection.gone = True  # It does not speak our language.
        self._tidy()

    def _take_up(self, connection: Connection, request: dict[str, Any]) -> None:
        if request.get("do") == "ping":
            connection.tell({"pong": os.getpid()})  # Whoever asks: a sign of life is no secret.
        elif connection.epoch is None:
            self._admit(connection, request)
        elif request["do"] == "end":
            self._ending = True
        elif not connection.gone:
            self._desk.answer(connection, request)

    def _admit(self, connection: Connection, hello: dict[str, Any]) -> None:
        epoch = int(hello["epoch"])
        if hello["session"] != self._session:
            connection.tell({"refused": f"this runner belongs to session {self._session}"})
        elif epoch < self._epoch:
            connection.tell({"refused": f"epoch {epoch} is over: epoch {self._epoch} drives this session"})
        else:
            self._epoch = epoch
            self._desk.hide(hello.get("secrets", ()))
            self._masker = self._desk.masker
            self._renew(hello.get("variables", {}))
            for older in self._connections - {connection}:
                older.tell({"closed": f"epoch {epoch} has taken over"})
                older.gone = True
            connection.epoch = epoch
            workspace, scripts = self._settings.get("workspace", ""), self._settings.get("scripts", ())
            connection.tell(
                {
                    "welcome": self._settings["incarnation"],
                    "pid": os.getpid(),
                    "found": found(workspace, scripts),
                }
            )
            return
        connection.gone = True

    def _renew(self, variables: dict[str, str]) -> None:
        """Give later commands the values that a driver brings, where they are not those that they have."""
        known: dict[str, str] = self._settings["executor"]["environment"]
        other = {name: value for name, value in variables.items() if known.get(name) != value}
        if other and all(name.isidentifier() for name in other):
            known |= other
            self._inside.tell({"environment": other})

    def _masked(self, text: str) -> str:
        return self._masker.text(text)

    def _hear(self, _: object) -> None:
        messages = self._inside.read()
        if messages is None:
            self._ending = True
            return
        for message in messages:
            if isinstance(message.get("observation"), dict):
                self._desk.finished(message["key"], message["observation"])
            elif "glimpse" in message:
                shown = {**message, "text": self._desk.glimpse(message["text"])}
                for connection in self._connections:
                    if connection.epoch is not None and shown["text"]:
                        connection.show(shown)
        self._tidy()

    def _woken(self, woken: socket.socket) -> None:
        woken.recv(1)
        self._desk.prepared()
        self._tidy()

    def _tidy(self) -> None:
        """Drop the connections that are gone and watch for room where something is unsent."""
        for connection in list(self._connections):
            if connection.gone:
                self._connections.discard(connection)
                self._desk.forget(connection)
                self._selector.unregister(connection.link)
                connection.close()
                if not self._driven:
                    self._alone_since = time.monotonic()
                continue
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.unsent else 0)
            entry = self._selector.get_key(connection.link)
            if entry.events != events:
                self._selector.modify(connection.link, events, entry.data)


def main() -> None:
    """Become the keeper of the session whose settings stand on standard input, as one line of JSON."""
    if os.fork():
        os._exit(0)  # Nobody's child: whoever launched us is neither waited for nor a reason to die.
    os.setsid()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    settings = json.loads(sys.stdin.buffer.readline())
    # What the keeper writes is for nobody else to read; commands make files as the driver would.
    settings["executor"]["umask"] = os.umask(0o077)
    lock = os.open(os.path.join(settings["directory"], "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    keeper: Keeper | None = None
    try:
        _take(lock)
        adopt_orphans()
        keeper = Keeper(settings)
        keeper.listen()
        _answer({"ready": os.getpid()})
    except (ExecutorFailed, OSError, ValueError, KeyError) as error:
        if keeper is not None:
            keeper.leave()
        with contextlib.suppress(OSError):
            _answer({"failed": f"{error}"})
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    try:
        keeper.serve()
    finally:
        keeper.leave()
    os._exit(0)


def _sweep(sign: str) -> None:
    """Remove what a driver that was killed has left: the link to a socket on which nobody listens."""
    try:
        path = os.readlink(sign)
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            os.unlink(sign)
            os.unlink(path)


def _take(lock: int) -> None:
    """Take the lock of this runner's directory; whoever launched before us may just be leaving."""
    until = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() > until:
                raise ValueError(
                    "another runner of this session is alive; connect to it or end it"
                ) from error
            time.sleep(0.02)
        else:
            return


def _answer(message: dict[str, Any]) -> None:
    """Tell the launcher; without one to hear it nobody knows of this runner, so it ends."""
    os.write(1, json.dumps(message).encode() + b"\n")
