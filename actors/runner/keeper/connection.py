"""One driver on the line: JSON lines in, JSON lines out, and never a wait for a slow reader."""

import socket
from typing import Any

from ..executor.lines import Lines, line  # noqa: TID252 - a plain folder has no other name

_READ_BYTES = 65536
_GLIMPSES_MAX = 1_000_000


class Connection:
    """A non-blocking socket with its buffers."""

    def __init__(self, link: socket.socket) -> None:
        link.settimeout(0.0)
        self.link = link
        self.epoch: int | None = None
        """The epoch that it presented; None before it has said hello."""
        self.gone = False
        self._in = Lines()
        self._out = bytearray()

    @property
    def unsent(self) -> bool:
        return bool(self._out)

    def read(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived whole; `gone` says that the other side hung up."""
        messages: list[dict[str, Any]] = []
        try:
            while data := self.link.recv(_READ_BYTES):
                messages += self._in.feed(data)
            self.gone = True
        except BlockingIOError:
            pass
        except (OSError, ValueError):
            self.gone = True
        return messages

    def tell(self, message: dict[str, Any]) -> None:
        self._out += line(message)
        self.flush()

    def show(self, message: dict[str, Any]) -> None:
        """Tell it unless the reader is behind: a glimpse may be dropped."""
        if len(self._out) < _GLIMPSES_MAX:
            self.tell(message)

    def flush(self) -> None:
        try:
            while self._out:
                del self._out[: self.link.send(self._out)]
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True
            self._out.clear()

    def close(self) -> None:
        self.gone = True
        self.link.close()
