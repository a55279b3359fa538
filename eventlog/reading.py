"""What is checked while a stream is read: that each record continues the one before it."""

from refold.eventlog import header
from refold.eventlog.log import CorruptRecord


class Chain:
    """Follows the digests of one stream; the first record met is where it begins."""

    def __init__(self) -> None:
        self._last: bytes | None = None

    def follow(self, position: int, stream: str, stored: bytes) -> None:
        """Raise `CorruptRecord` unless `stored` continues what was followed so far."""
        if self._last is not None and header.previous_of(stored) != self._last:
            raise CorruptRecord(position, f"it does not continue the record before it in stream {stream!r}")
        self._last = header.digest_of(stored)
