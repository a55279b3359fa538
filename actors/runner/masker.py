"""Keeps secrets out of whatever is written or shown, as they are and as they are commonly encoded.

Plain standard library: the keeper, which starts without the rest of us, masks with it too. What is searched
for: the value, also without blanks around and between, its single lines, JSON-escaped (also inside of escaped
JSON, and whichever characters are), as a Python, shell or URL text, in hex with or without separators, and in
base64 at any of its three alignments, wrapped into lines or not.
"""

import base64
import json
import re
import urllib.parse
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Any

HIDDEN = "<secret_hidden>"
"""What stands in the place of a secret, as in the trajectories of others."""

LENGTH_MIN = 6
"""A shorter secret would be found in texts that have nothing to do with it."""

_LINE_MIN = 12
_ESCAPED_DEEP = 3
_TORN_MIN = 4
"""A piece of a secret that is shorter tells nobody anything."""

_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf\"'/\\]))")
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_UNFINISHED = re.compile(r"\\+(?:u[0-9a-fA-F]{0,3}|x[0-9a-fA-F]?)?$")
_CUT = re.compile(r"(\n\[\.\.\. \d+ characters left out \.\.\.\]\n)")
_WRAPS = re.compile(r"\\+[nr]|[\r\n]")
_GAPS = re.compile(r"\\+[nrtx]|[\s:,]|0x")


class Masker:
    """Hides the `secrets`; without any it returns everything as it is."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.secrets = frozenset(secret for secret in secrets if len(secret) >= LENGTH_MIN)
        whole = {value for secret in self.secrets for value in _whole(secret)}
        self._values = frozenset(whole | {line for value in whole for line in _lines(value)})
        plain = {form for value in self._values for form in _plain(value)}
        self._forms = tuple(sorted(plain, key=len, reverse=True))
        self._base64 = frozenset(form for value in whole for form in _base64(value))
        self._hex = frozenset(_bytes(value).hex() for value in whole)

    def __bool__(self) -> bool:
        return bool(self.secrets)

    def text(self, text: str) -> str:
        """Return the text without secrets; masking it again changes nothing."""
        if not self.secrets:
            return text
        if self._is_in(text):
            text = self._pattern.sub(HIDDEN, text)
        if "\\u" in text or "\\x" in text:
            text = self._without_escaped(text)
        if "characters left out" in text:
            text = self._without_halves(text)
        return text

    def data(self, value: Any) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Return lists, tuples and mappings, nested as they may be, without secrets in texts or keys."""
        if not self.secrets:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            pairs: dict[Any, Any] = value  # pyright: ignore[reportUnknownVariableType] - anything
            return {self.data(key): self.data(item) for key, item in pairs.items()}
        if isinstance(value, list):
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - anything
            return [self.data(item) for item in items]
        if isinstance(value, tuple):
            several: tuple[Any, ...] = value  # pyright: ignore[reportUnknownVariableType] - anything
            return tuple(self.data(item) for item in several)
        return value

    def held(self, text: str) -> int:
        """Return how many characters at the end of `text` may be the beginning of a secret."""
        plain = max((_overlap(text, form) for form in self._forms), default=0)
        encoded = self._held_encoded(text)
        if text.endswith(("\\", "0")) and (before := self._held_encoded(text[:-1])):
            encoded = max(encoded, before + 1)  # Half of a filling.
        return max(plain, encoded, self._held_escaped(text))

    def torn(self, text: str) -> int:
        """Return how many characters at the beginning of `text` may be the end of a secret."""
        forms = (*self._forms, *self._base64, *self._hex)
        length = max((_overlap(form, f"{text}\0") for form in forms), default=0)
        return length if length >= _TORN_MIN else 0

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """What is looked for, the longest first; made when something was found, for it takes its time."""
        wrap, gap = f"(?:{_WRAPS.pattern})*", f"(?:{_GAPS.pattern}){{0,4}}"
        encoded = [
            *(wrap.join(map(re.escape, form)) + r"[A-Za-z0-9+/_-]?={0,2}" for form in self._base64),
            *(gap.join(f"(?i:{code[n : n + 2]})" for n in range(0, len(code), 2)) for code in self._hex),
        ]
        every = (re.escape(HIDDEN), *map(re.escape, self._forms), *sorted(encoded, key=len, reverse=True))
        return re.compile("|".join(every))

    def _held_encoded(self, text: str) -> int:
        """Return the same for encoded forms, which fillings may stand in."""
        return max(_held_filled(text, self._base64, _WRAPS), _held_filled(text.lower(), self._hex, _GAPS), 0)

    def _without_escaped(self, text: str) -> str:
        """Hide what is a secret once its escapes are read, whichever of its characters are escaped."""
        bare, spans = _read(text)
        places = sorted(
            (spans[found.start()][0], spans[found.end() - 1][1])
            for value in self._values
            for found in re.finditer(re.escape(value), bare)
        )
        shown, until = list[str](), 0
        for begin, end in places:
            if begin >= until:
                shown += (text[until:begin], HIDDEN)
            until = max(until, end)
        return "".join((*shown, text[until:]))

    def _held_escaped(self, text: str) -> int:
        """Return the same for a secret whose characters are escaped, the last of them perhaps by halves."""
        tail = text[-8 * max(map(len, self._values), default=0) :]
        if "\\" not in tail:
            return 0
        whole = _UNFINISHED.sub("", tail)
        bare, spans = _read(whole)
        held = max((_overlap(bare, value) for value in self._values), default=0)
        return len(tail) - (spans[-held][0] if held else len(whole))

    def _is_in(self, text: str) -> bool:
        if any(form in text for form in self._forms):
            return True
        bare, lower = _WRAPS.sub("", text), _GAPS.sub("", text).lower()
        return any(form in bare for form in self._base64) or any(code in lower for code in self._hex)

    def _without_halves(self, text: str) -> str:
        """Hide what a cut in the middle of a text has left of a secret on either side."""
        parts = _CUT.split(text)
        for place in range(1, len(parts), 2):
            before, after = parts[place - 1], parts[place + 1]
            held, torn = self.held(before), self.torn(after)
            if held >= _TORN_MIN:
                parts[place - 1] = before[: len(before) - held] + HIDDEN
            if torn:
                parts[place + 1] = HIDDEN + after[torn:]
        return "".join(parts)


class MaskedStream:
    """Masks a text that comes in pieces: what may be the beginning of a secret waits for the next one.

    Pieces may have been lost between two of them, so one that begins like the end of a secret hides that.
    """

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._waiting = ""

    def feed(self, piece: str) -> str:
        """Return what can be shown by now."""
        masker = self._masker
        if not masker:
            return piece
        if not self._waiting and (torn := masker.torn(piece)):
            piece = HIDDEN + piece[torn:]
        text = masker.text(self._waiting + piece)
        held = masker.held(text)
        self._waiting = text[len(text) - held :]
        return text[: len(text) - held]

    def end(self) -> str:
        """Return what still waited, if it is too little of a secret to matter."""
        rest, self._waiting = self._waiting, ""
        return rest if len(rest) < _TORN_MIN else HIDDEN


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _whole(secret: str) -> Iterator[str]:
    """Yield the secret as it is, and as a shell or a file hands it on: without blanks around, or between."""
    for value in (secret, secret.strip(), " ".join(secret.split())):
        if len(value) >= LENGTH_MIN:
            yield value


def _lines(value: str) -> Iterator[str]:
    for line in value.splitlines():
        if len(line.strip()) >= _LINE_MIN:
            yield from (line, line.strip())


def _plain(value: str) -> Iterator[str]:
    yield value
    yield repr(value)[1:-1]
    yield repr(_bytes(value))[2:-1]
    yield value.replace("'", "'\\''")
    yield value.replace("'", "'\"'\"'")
    yield value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    for ascii_only in (True, False):
        escaped = value
        for _ in range(_ESCAPED_DEEP):
            escaped = json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
            yield escaped
            yield escaped.replace("/", "\\/")
    yield from _url(_bytes(value))


def _url(value: bytes) -> Iterator[str]:
    every = "".join(f"%{byte:02X}" for byte in value)
    for quoted in (
        urllib.parse.quote(value, safe=""),
        urllib.parse.quote(value),
        urllib.parse.quote_plus(value),
        every,
    ):
        yield quoted
        yield re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quoted)


def _base64(secret: str) -> Iterator[str]:
    """Yield the part of an encoded text that the secret alone decides, for each place it may begin at."""
    value = _bytes(secret)
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + value + bytes(3)).decode()
        form = encoded[-(-8 * offset // 6) : 8 * (offset + len(value)) // 6]
        yield form
        yield form.replace("+", "-").replace("/", "_")


def _read(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text with its escapes read, and where each of its characters stands in it."""
    bare, spans = list[str](), list[tuple[int, int]]()
    until = 0
    for found in _ESCAPE.finditer(text):
        bare += text[until : found.start()]
        spans += ((place, place + 1) for place in range(until, found.start()))
        until = found.end()
        code = found[1] or found[2]
        char = chr(int(code, 16)) if code else _SHORT.get(found[3], found[3])
        if bare and "\ud800" <= bare[-1] <= "\udbff" and "\udc00" <= char <= "\udfff":
            char = chr(0x10000 + ((ord(bare.pop()) - 0xD800) << 10) + ord(char) - 0xDC00)
            bare.append(char)
            spans.append((spans.pop()[0], until))
            continue
        bare.append(char)
        spans.append(found.span())
    bare += text[until:]
    spans += ((place, place + 1) for place in range(until, len(text)))
    return "".join(bare), spans


def _held_filled(text: str, forms: Collection[str], filling: re.Pattern[str]) -> int:
    """Return how many characters at the end of `text`, filled, may be the beginning of one of `forms`."""
    begins = max(0, len(text) - 8 * max(map(len, forms), default=0))
    filled = {
        place for found in filling.finditer(text, begins) for place in range(found.start(), found.end())
    }
    places = [place for place in range(begins, len(text)) if place not in filled]
    bare = "".join(text[place] for place in places)
    held = max((_overlap(bare, form) for form in forms), default=0)
    return len(text) - places[-held] if held else 0


def _overlap(text: str, form: str) -> int:
    """Return the length of the longest end of `text` that is a beginning, but not all, of `form`."""
    begins = max(0, len(text) - len(form) + 1)
    while (begins := text.find(form[:1], begins)) >= 0:
        if form.startswith(text[begins:]):
            return len(text) - begins
        begins += 1
    return 0
