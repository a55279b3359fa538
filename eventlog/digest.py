"""Digests: what makes a record vouch for everything before it in its stream."""

from hashlib import sha256

SIZE = 32
NOTHING = bytes(SIZE)
"""The previous digest of a stream's very first record."""


def leaf(unsigned: bytes | memoryview) -> bytes:
    """Return the digest of a record's header and body.

    A header begins with 0x00, which keeps leaves apart from the nodes of a tree over them.
    """
    return sha256(unsigned).digest()


def content(stream: bytes, parts: list[bytes]) -> bytes:
    """Return 16 bytes that tell a repeated command from another one under the same id.

    Covers the stream and everything that was handed in, but neither place nor epoch: a new driver may
    repeat what a dead one had already recorded.
    """
    told = [len(stream).to_bytes(8), stream]
    for part in parts:
        told.append(len(part).to_bytes(8))
        told.append(part)
    return sha256(b"".join(told)).digest()[:16]
