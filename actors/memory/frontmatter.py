"""The head of a skill file: `key: value` lines between two lines of dashes, as a strict subset of YAML.

A parser of our own, because this is all that such heads hold: texts, lists of texts, folded texts. A YAML
library would be one more dependency, and would read anchors and types out of files that an agent can write.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

_FENCE = re.compile(r"---[ \t]*")
_KEY = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*)|)")
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)")
_BLOCK = frozenset({"|", ">", "|-", ">-", "|+", ">+"})
_QUOTES = ("'", '"')

type Value = str | tuple[str, ...]


class Malformed(Exception):
    """The head cannot be read; `line` is 1-based."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class Document(Struct, frozen=True):
    """A file's head, and its body; `lines` tells where each key stood, `below` what stood beneath it."""

    head: Mapping[str, Value]
    body: str
    lines: Mapping[str, int]
    below: Mapping[str, tuple[str, ...]] = {}


def parse(text: str) -> Document:
    """Split a file into head and body; a file without a head is all body. Raises `Malformed`.

    Nested tables, which other programs keep there, are skipped; `tables` reads a list of them.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or _FENCE.fullmatch(lines[0]) is None:
        return Document({}, text.strip(), {})
    end = next((at for at in range(1, len(lines)) if _FENCE.fullmatch(lines[at])), None)
    if end is None:
        raise Malformed(1, "the head that begins with --- has no end")
    head: dict[str, Value] = {}
    places: dict[str, int] = {}
    beneath: dict[str, tuple[str, ...]] = {}
    at = 1
    while at < end:
        line, number = lines[at], at + 1
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _KEY.fullmatch(line.rstrip())
        if found is None:
            raise Malformed(number, f"neither `key: value` nor part of a list: {line.strip()[:60]!r}")
        below: list[str] = []
        while at < end and _belongs(lines[at]):
            below.append(lines[at])
            at += 1
        head[found[1]] = _value((found[2] or "").strip(), below, number)
        places[found[1]] = number
        beneath[found[1]] = tuple(below)
    return Document(head, "\n".join(lines[end + 1 :]).strip(), places, beneath)


def tables(document: Document, key: str) -> list[dict[str, str]]:
    """Return the list of tables that stands beneath a key: `- name: …` and what is indented below it."""
    found: list[dict[str, str]] = []
    for line in document.below.get(key, ()):
        item = _ITEM.fullmatch(line)
        pair = _KEY.fullmatch((item[1] if item else line).strip())
        if item or not found:
            found.append({})
        if pair is not None:
            found[-1][pair[1]] = _scalar(pair[2] or "", document.lines[key])
    return [table for table in found if table]


def _belongs(line: str) -> bool:
    return not line.strip() or line[0] in " \t" or _ITEM.fullmatch(line) is not None


def _value(text: str, below: list[str], number: int) -> Value:
    if text in _BLOCK:
        joint = "\n" if text.startswith("|") else " "
        return joint.join(line.strip() for line in below).strip()
    if text.startswith("["):
        return _inline(text, number)
    if not text or text.startswith("#"):
        return tuple(_scalar(item[1], number) for line in below if (item := _ITEM.fullmatch(line)))
    folded = " ".join((text, *(line.strip() for line in below if line.strip())))
    return _scalar(folded, number)


def _inline(text: str, number: int) -> tuple[str, ...]:
    inner = re.sub(r"[ \t]+#.*", "", text)
    if not inner.endswith("]"):
        raise Malformed(number, f"a list that does not end on its line: {text[:60]!r}")
    items = re.findall(r"""\s*("[^"]*"|'[^']*'|[^,]*)\s*(?:,|$)""", inner[1:-1])
    return tuple(_scalar(item.strip(), number) for item in items if item.strip())


def _scalar(text: str, number: int) -> str:
    text = text.strip()
    if text.startswith(_QUOTES):
        end = text.find(text[0], 1)
        if end < 0:
            raise Malformed(number, f"a quote that is not closed: {text[:60]!r}")
        return text[1:end]
    return re.sub(r"[ \t]+#.*", "", text)
