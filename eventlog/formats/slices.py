"""JSON taken apart one level deep, so that each part is kept as the text that it was.

Decoding and encoding again would lose digits (a float with twenty of them, 1e400) that belong to someone
else; a slice of the source loses nothing.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from msgspec import Struct

_STRING_OR_SPACE = re.compile(r'("(?:[^"\\]|\\.)*")|[ \t\r\n]+')
_SPACE = re.compile(r"[ \t\r\n]*")


class NotJSON(ValueError):
    """The text is no JSON; says where it stops being any."""


class Slice(Struct, frozen=True):
    """One JSON value: its text without idle white space, and the value."""

    text: str
    value: Any


def _no_constant(name: str) -> NoReturn:
    raise NotJSON(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def value_at(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value that begins at or after `at`, and where it ends."""
    start = _skip(text, at)
    try:
        return _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise _not_json(text, error.pos, error.msg) from None
    except RecursionError:
        raise NotJSON("nested too deeply") from None
    except ValueError as error:
        raise NotJSON(str(error)) from None


def elements(text: str, at: int = 0) -> tuple[list[Slice], int]:
    """Return the elements of the array that begins at `at`, and where it ends."""
    parts: list[Slice] = []
    at = _expect(text, at, "[")
    if _peek(text, at) == "]":
        return parts, _expect(text, at, "]")
    while True:
        try:
            part, at = slice_at(text, at)
        except NotJSON as error:
            raise NotJSON(f"element {len(parts)}: {error}") from None
        parts.append(part)
        if _peek(text, at) != ",":
            return parts, _expect(text, at, "]")
        at = _expect(text, at, ",")


def members(text: str, at: int = 0) -> tuple[dict[str, tuple[int, int]], int]:
    """Return where the value of each member of the object at `at` stands, and where the object ends."""
    found: dict[str, tuple[int, int]] = {}
    at = _expect(text, at, "{")
    if _peek(text, at) == "}":
        return found, _expect(text, at, "}")
    while True:
        key, at = value_at(text, at)
        at = _expect(text, at, ":")
        start = _skip(text, at)
        _, at = value_at(text, start)
        found[str(key)] = (start, at)
        if _peek(text, at) != ",":
            return found, _expect(text, at, "}")
        at = _expect(text, at, ",")


def slice_at(text: str, at: int) -> tuple[Slice, int]:
    start = _skip(text, at)
    value, end = value_at(text, start)
    return Slice(squeeze(text[start:end]), value), end


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, numbered from 1."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def squeeze(text: str) -> str:
    """Return the JSON text without the white space between its tokens."""
    return _STRING_OR_SPACE.sub(r"\1", text)


def rest_is_empty(text: str, at: int) -> bool:
    return _skip(text, at) == len(text)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _peek(text: str, at: int) -> str:
    start = _skip(text, at)
    return text[start : start + 1]


def _expect(text: str, at: int, sign: str) -> int:
    start = _skip(text, at)
    if not text.startswith(sign, start):
        raise _not_json(text, start, f"expecting {sign!r}")
    return start + 1


def _not_json(text: str, at: int, reason: str) -> NotJSON:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    is_cut = at >= len(text.rstrip()) or reason.startswith("Unterminated")
    cut = " (it ends in the middle)" if is_cut else ""
    return NotJSON(f"{reason.removesuffix(' at')} at line {line}, column {column}{cut}")
