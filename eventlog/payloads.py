"""Claim checks: a very long text is stored once beside the log and only named in the record.

Keeps the log dense, so that scanning it touches what it needs, and a file seen ten times is kept once.
"""

from hashlib import sha256
from typing import Any, cast

from msgspec.msgpack import Ext

from refold.eventlog.header import REFERENCES_MAX, Reference

LONGEST = 64 * 1024
"""Texts up to this many bytes stay in their record."""
EXTENSION = 1
"""The msgpack extension that stands for a text kept elsewhere; its data is the reference's number."""


class Missing(Exception):
    """A payload that a record names is not there, or is not what the record names."""


def take_out(data: object, taken: list[tuple[Reference, bytes]]) -> object:
    """Return `data` (builtins) with its long texts replaced, and add them to `taken`."""
    match data:
        case str():
            if len(data) * 4 <= LONGEST or len(taken) == REFERENCES_MAX:
                return data
            text = data.encode()
            if len(text) <= LONGEST:
                return data
            taken.append((Reference(sha256(text).digest(), len(text)), text))
            return Ext(EXTENSION, bytes([len(taken) - 1]))
        case dict():
            fields = cast("dict[Any, object]", data)
            return {key: take_out(value, taken) for key, value in fields.items()}
        case list() | tuple():
            return [take_out(value, taken) for value in cast("list[object]", data)]
        case _:
            return data


def verified(reference: Reference, text: bytes | None) -> str:
    """Return the text of a reference, having checked that it is the one."""
    if text is None:
        raise Missing(f"payload {reference.sha256.hex()} is missing")
    if len(text) != reference.size or sha256(text).digest() != reference.sha256:
        raise Missing(f"payload {reference.sha256.hex()} is not what it was")
    return text.decode()
