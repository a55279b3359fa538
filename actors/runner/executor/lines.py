"""The one wire format of runners: a JSON object per line."""

import json
from typing import Any

LINE_MAX = 256 * 1024 * 1024


class Lines:
    """Turns bytes as they arrive into messages."""

    def __init__(self, begun: bytes = b"") -> None:
        self._begun = bytearray(begun)

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the messages that `data` completes. Raises `ValueError` on what is none."""
        self._begun += data
        if len(self._begun) > LINE_MAX:
            raise ValueError(f"a line of more than {LINE_MAX} bytes")
        if b"\n" not in data:
            return []
        *lines, rest = bytes(self._begun).split(b"\n")
        self._begun[:] = rest
        return [json.loads(line) for line in lines]


def line(message: dict[str, Any]) -> bytes:
    """Return a message as it goes over the wire."""
    return json.dumps(message).encode() + b"\n"
