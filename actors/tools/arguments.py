"""A call's arguments, read the way that models write them: leniently, and without losing any."""

import json
import math
import shlex
from typing import Any, cast

import msgspec

_INTEGER_MAX = 2**63 - 1
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off", ""})


class Arguments:
    """What is left to read of a call's arguments; each reader takes one away if it can make sense of it."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    @classmethod
    def parse(cls, text: str) -> "Arguments | None":
        """Return the arguments in `text`, or None if it holds no JSON object; no text is an empty object."""
        if not text.strip():
            return cls({})
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            value = _parse_loosely(text)
        return (
            cls(cast("dict[str, Any]", _storable(cast("object", value)))) if isinstance(value, dict) else None
        )

    def text(self, name: str) -> str | None:
        """Take a text; numbers become their digits, lists of words a command line, objects their JSON."""
        value = self._values.pop(name, None)
        match value:
            case None | str():
                return value
            case list() if value and all(isinstance(word, str) for word in cast("list[object]", value)):
                return shlex.join(cast("list[str]", value))
            case _:
                return msgspec.json.encode(value).decode()

    def flag(self, name: str) -> bool:
        """Take a boolean, also one in words; False if it is missing or makes no sense."""
        value = self._values.get(name)
        word = str(value).strip().lower() if value is not None else ""
        if word in _TRUE or word in _FALSE:
            self._values.pop(name, None)
        return word in _TRUE

    def number(self, name: str) -> float | None:
        """Take a number, also one in digits."""
        number = _number(self._values.get(name))
        if number is not None or self._values.get(name) in (None, ""):
            self._values.pop(name, None)
        return number

    def integer(self, name: str) -> int | None:
        value = _integer(self._values.get(name))
        if value is not None or self._values.get(name) in (None, ""):
            self._values.pop(name, None)
        return value

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Take a list of whole numbers, also one written as text: `"[1, 5]"`, `"1, 5"`."""
        value = self._values.get(name)
        items: list[object]
        match value:
            case list():
                items = cast("list[object]", value)
            case str():
                items = [item for item in value.strip().strip("[]()").split(",") if item.strip()]
            case _:
                items = [] if value is None else [value]
        numbers = tuple(_integer(item) for item in items)
        if None in numbers:
            return None
        self._values.pop(name, None)
        return cast("tuple[int, ...]", numbers) or None

    def rows(self, name: str) -> list[object] | None:
        """Take a list, also one written as JSON text."""
        value = self._values.get(name)
        found = _parse_loosely(value) if isinstance(value, str) else cast("object", value)
        if not isinstance(found, list):
            return None
        self._values.pop(name, None)
        return cast("list[object]", found)

    def rest(self) -> dict[str, Any]:
        """Return what nobody took: unknown arguments, and known ones that made no sense."""
        return self._values


def _parse_loosely(text: str) -> object:
    """Return the value in `text`, raw control characters in strings allowed; None if there is none."""
    try:
        return json.loads(text, strict=False, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _storable(value: object) -> object:
    """Return `value` with what a log cannot hold written otherwise: huge numbers, halves of characters."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case bool() | None:
            return value
        case int():
            return value if -_INTEGER_MAX <= value <= _INTEGER_MAX else str(value)
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [_storable(item) for item in cast("list[object]", value)]
        case dict():
            items = cast("dict[str, object]", value).items()
            return {cast("str", _storable(key)): _storable(item) for key, item in items}
        case _:
            return str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _integer(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number.is_integer() and abs(number) <= _INTEGER_MAX else None
