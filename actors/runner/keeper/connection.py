"""One driver on the line: JSON lines in, JSON lines out, and never a wait for a slow reader."""

import json
import socket
from typing import Any

_READ_BYTES = 65536
_GLIMPSES_MAX = 1_000_000
_LINE_MAX = 256 * 1024 * 1024


class Connection:
    """A non-blocking socket with its buffers."""

    def __init__(self, link: socket.socket) -> None:
        link.settimeout(0.0)
        self.link = link
        self.epoch: int | None = None
        """The epoch that it presented; None before it has said hello."""
        self.gone = False
        self._in = bytearray()
        self._out = bytearray()

    @property
    def unsent(self) -> bool:
        return bool(self._out)

    def read(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived whole; `gone` says that the other side hung up."""
        try:
            while True:
                data = self.link.recv(_READ_BYTES)
                if not data:
                    self.gone = True
                    break
                self._in += data
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True
        *lines, rest = bytes(self._in).split(b"\n")
        self._in[:] = rest
        try:
            return [json.loads(line) for line in lines]
        except ValueError:
            self.gone = True
            return []

    def tell(self, message: dict[str, Any]) -> None:
        self._out += json.dumps(message).encode() + b"\n"
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
