"""The output of a command that may write without end, in bounded memory."""

from typing import NamedTuple

HEAD_MAX = 128 * 1024
TAIL_MAX = 128 * 1024


class Captured(NamedTuple):
    """What was written: its beginning, its end, and how many bytes were dropped between them."""

    head: bytes
    tail: bytes
    dropped: int


class Capture:
    """Keeps the beginning and the end of what is written to it."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)
        room = HEAD_MAX - len(self._head)
        self._head += data[:room] if room > 0 else b""
        self._tail += data[max(room, 0) :]
        if len(self._tail) > 2 * TAIL_MAX:
            surplus = len(self._tail) - TAIL_MAX
            del self._tail[:surplus]
            self._dropped += surplus

    def take(self) -> Captured:
        """Return what was written since the last time, and forget it."""
        taken = Captured(bytes(self._head), bytes(self._tail), self._dropped)
        self._head.clear()
        self._tail.clear()
        self._dropped = 0
        return taken

    def latest(self, size: int) -> bytes:
        """Return the last `size` bytes, without forgetting them."""
        end = bytes(self._tail[-size:])
        return end if len(end) == size else bytes(self._head[len(self._head) - (size - len(end)) :]) + end
