"""The control socket: how a second terminal's commands reach the process that drives a session."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from refold.actors.delegation.state import root_name
from refold.actors.runner import place
from refold.actors.session.commands import Command
from refold.errors import HomeUnusable
from refold.home import Home

_ANSWER_S = 60.0
_LAST_WORDS_S = 5.0
"""How long closing waits for those who are being answered."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the driver says to a forwarded command: committed, or why not."""

    records: int = 0
    refused: str | None = None
    error: str | None = None
    status: str | None = None
    gone: bool = False
    """Whether nobody drives here any more: who asked looks for the next driver, or becomes it."""


def socket_path(home: Home, session: str) -> Path:
    """Return where the session's socket is to be: short enough for the kernel, and its owner's alone."""
    try:
        return place.socket_path(home.folder(session)).with_suffix(".control")
    except place.PlaceUnsafe as error:
        raise HomeUnusable(str(error)) from error


class Addressed(msgspec.Struct, frozen=True, kw_only=True):
    """A command on its way to a session or to one of its delegates."""

    session: str
    command: Command


class ControlServer:
    """Answers one connection after the other until it is closed; `handle` may block.

    A link in the home leads to the socket: whoever asks may have another runtime directory.
    """

    def __init__(self, home: Home, session: str, handle: Callable[[str, Command], Answer]) -> None:
        self._path, self._sign = socket_path(home, session), home.control(session)
        self._handle = handle
        self._answering: set[threading.Thread] = set()
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)
        self._socket.listen(16)
        self._sign.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sign.unlink(missing_ok=True)
        self._sign.symlink_to(self._path)
        self._thread = threading.Thread(target=self._serve, name=f"control-{session}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear nobody any more; whoever was heard has been answered when this returns."""
        self._sign.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if threading.current_thread() is not self._thread:
            self._thread.join(_LAST_WORDS_S)
        for thread in tuple(self._answering):
            if thread is not threading.current_thread():
                thread.join(_LAST_WORDS_S)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(connection,), daemon=True)
            self._answering.add(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                line = connection.makefile("rb").readline()
                addressed = msgspec.json.decode(line, type=Addressed)
                answer = self._handle(addressed.session, addressed.command)
            except (msgspec.MsgspecError, OSError) as error:
                answer = Answer(error=f"the command could not be read: {error}")
            with contextlib.suppress(OSError):  # Whoever asked is gone; the log holds the command.
                connection.sendall(msgspec.json.encode(answer) + b"\n")
        self._answering.discard(threading.current_thread())


def forward(home: Home, session: str, command: Command) -> Answer | None:
    """Hand a command to the session's driver and return its answer; None where nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_S)
        try:
            connection.connect(os.readlink(home.control(root_name(session))))  # noqa: PTH115 - a text is what it takes
            connection.sendall(msgspec.json.encode(Addressed(session=session, command=command)) + b"\n")
            line = connection.makefile("rb").readline()
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
            return None
        except TimeoutError:
            return Answer(error=f"the driver of {session!r} did not answer within {_ANSWER_S:.0f} s")
    answer = msgspec.json.decode(line, type=Answer) if line else Answer(gone=True)
    return None if answer.gone else answer
