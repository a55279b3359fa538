"""The front of a stored record: everything that places it, readable without decoding what it says.

`0x00, format u8, codec u8, key u32, references u8, name length u16, log id 16 B, version u64, position u64,
previous digest 32 B`, big-endian, then the stream's name and the payload references (SHA-256 and length).
Then comes the body, and the last 32 bytes are the digest of all that stands before them.
"""

from struct import Struct as Layout

from msgspec import Struct

from refold.eventlog import digest

LEAF = 0
"""The first byte: what is hashed is a leaf."""
FORMAT = 1
MSGPACK = 1
"""Codec: the body is msgpack as it stands; compressed codecs will have other numbers."""
NO_KEY = 0
"""Key id: the body is not encrypted."""

_FIXED = Layout(">BBBIBH16sQQ32s")
_REFERENCE = Layout(">32sQ")
REFERENCES_MAX = 255
SMALLEST = _FIXED.size + digest.SIZE


class Reference(Struct, frozen=True):
    """A payload kept beside the log, named by its SHA-256."""

    sha256: bytes
    size: int


class Header(Struct, frozen=True):
    """A record's place; `body` is the offset at which its body begins."""

    log: bytes
    stream: bytes
    version: int
    position: int
    previous: bytes
    references: tuple[Reference, ...]
    body: int


class Malformed(Exception):
    """These bytes are no record of this format."""


def pack(  # noqa: PLR0913, PLR0917 - called for every record, and keywords cost as much as the packing
    log: bytes, name: bytes, version: int, position: int, previous: bytes, references: int
) -> bytes:
    """Return the fixed part; name, references and body follow it."""
    return _FIXED.pack(LEAF, FORMAT, MSGPACK, NO_KEY, references, len(name), log, version, position, previous)


def pack_references(references: list[Reference]) -> bytes:
    return b"".join(_REFERENCE.pack(reference.sha256, reference.size) for reference in references)


def unpack(stored: bytes) -> Header:
    """Read the header of a stored record; raise `Malformed`."""
    if len(stored) < SMALLEST:
        raise Malformed(f"{len(stored)} bytes are too few for a record")
    fixed = _FIXED.unpack_from(stored)
    leaf, form, codec, key, count, length, log, version, position, previous = fixed
    if leaf != LEAF:
        raise Malformed("it does not begin as a record")
    if form != FORMAT or codec != MSGPACK or key != NO_KEY:
        raise Malformed(f"format {form}, codec {codec}, key {key} cannot be read by this version")
    name = _FIXED.size + length
    body = name + count * _REFERENCE.size
    if body + digest.SIZE > len(stored):
        raise Malformed("the header claims more bytes than there are")
    references: tuple[Reference, ...] = ()
    if count:
        found = _REFERENCE.iter_unpack(stored[name:body])
        references = tuple(Reference(sha256, size) for sha256, size in found)
    return Header(log, stored[_FIXED.size : name], version, position, previous, references, body)


PREVIOUS = slice(_FIXED.size - digest.SIZE, _FIXED.size)


def previous_of(stored: bytes) -> bytes:
    """Return the digest that the record continues."""
    return stored[PREVIOUS]


def digest_of(stored: bytes) -> bytes:
    """Return the digest that the record carries."""
    return stored[-digest.SIZE :]
