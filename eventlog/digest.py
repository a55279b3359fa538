"""Digests: what makes a record vouch for everything before it in its stream."""

from collections.abc import Sequence
from hashlib import sha256
from struct import Struct as Layout

SIZE = 32
NOTHING = bytes(SIZE)
"""The previous digest of a stream's very first record."""
_LENGTH = Layout(">Q").pack


def leaf(unsigned: bytes | memoryview) -> bytes:
    """Return the digest of a record's header and body.

    A header begins with 0x00, which keeps leaves apart from the nodes of a tree over them.
    """
    return sha256(unsigned).digest()


def content(stream: bytes, parts: Sequence[bytes]) -> bytes:
    """Return 16 bytes that tell a repeated command from another one under the same id.

    Covers the stream and everything that was handed in, but neither place nor epoch: a new driver may
    repeat what a dead one had already recorded.
    """
    told = _LENGTH(len(stream)) + stream
    if len(parts) == 1:
        return sha256(told + _LENGTH(len(parts[0])) + parts[0]).digest()[:16]
    return sha256(told + b"".join([_LENGTH(len(part)) + part for part in parts])).digest()[:16]
