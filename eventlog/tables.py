"""How the side tables look: small fixed layouts that the log can rebuild at any time."""

from struct import Struct as Layout

from msgspec import Struct

from refold.eventlog.admission import Known
from refold.eventlog.lineage import Fork
from refold.eventlog.log import Head

NUMBER = Layout(">Q")
"""Keys of `log` (position) and `heads` (stream number), values of `streams` (position)."""
PLACE = Layout(">QQ")
"""Keys of `streams`: stream number, version."""
_NAME = Layout(">QQq")
_HEAD = Layout(">QQ32s")
_KNOWN = Layout(">QI16s")
type Row = tuple[bytes, bytes]
"""A key and its value."""


class Name(Struct, frozen=True, gc=False):
    """A stream's number, the position of its first own record, and what it was forked from."""

    number: int
    first: int
    fork: Fork | None


def pack_name(name: Name) -> bytes:
    if name.fork is None:
        return _NAME.pack(name.number, name.first, -1)
    return _NAME.pack(name.number, name.first, name.fork.version) + name.fork.parent.encode()


def unpack_name(stored: bytes) -> Name:
    number, first, version = _NAME.unpack_from(stored)
    return Name(number, first, None if version < 0 else Fork(stored[_NAME.size :].decode(), version))


def pack_head(head: Head) -> bytes:
    return _HEAD.pack(head.version, head.position, head.digest)


def unpack_head(stored: bytes) -> Head:
    return Head(*_HEAD.unpack(stored))


def pack_known(known: Known) -> bytes:
    return _KNOWN.pack(known.first, known.count, known.content)


def unpack_known(stored: bytes) -> Known:
    return Known(*_KNOWN.unpack(stored))
