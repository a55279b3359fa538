"""`read`: a file with line numbers, or a folder two levels deep."""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH112, PTH118, PTH208

import os
from collections.abc import Iterator, Mapping
from typing import Any

from .places import resolve
from .text_file import TextFile, Unreadable, shown

CHARACTERS_MAX = 16_000
DEPTH = 2
_CLIPPED = (
    "<response clipped><NOTE>Due to the max output limit, only part of this file has been shown to you. "
    "You should retry this tool after you have searched inside the file with `grep -n` in order to find "
    "the line numbers of what you are looking for.</NOTE>"
)


def read(action: Mapping[str, Any], *, workspace: str) -> dict[str, Any]:
    """Return what stands at the action's path; raises `Unreadable`."""
    path: str = action["path"]
    place = resolve(path, workspace=workspace)
    view_range: list[int] | None = action.get("view_range")
    if os.path.isdir(place):
        if view_range:
            raise Unreadable(f"The path {path} is a folder, which has no lines to give a `view_range` of.")
        return {"kind": "read", "path": path, "content": _folder(path, place)}
    text = TextFile(place, path).text
    if view_range:
        first, last = _lines(view_range, of=text)
        body = numbered("\n".join(text.split("\n")[first - 1 : last]), first=first)
    else:
        body = numbered(text)
    return {
        "kind": "read",
        "path": path,
        "content": f"Here's the result of running `cat -n` on {path}:\n{body}",
    }


def numbered(text: str, *, first: int = 1) -> str:
    """Return `text` with line numbers; a final line feed begins one more, empty line."""
    text = shown(text)
    if len(text) > CHARACTERS_MAX:
        text = text[:CHARACTERS_MAX] + _CLIPPED
    return "".join(f"{number:6}\t{line}\n" for number, line in enumerate(text.split("\n"), first))


def _lines(view_range: list[int], *, of: str) -> tuple[int, int]:
    count = of.count("\n") + (not of.endswith("\n") or not of)
    if len(view_range) != len(("first", "last")):
        raise Unreadable(
            f"Invalid `view_range` {view_range}: it takes two numbers, the first and the last line."
        )
    first, last = view_range
    last = count if last == -1 else min(last, count)
    if not 1 <= first <= max(count, 1):
        raise Unreadable(f"Invalid `view_range` {view_range}: the file has the lines 1 to {count}.")
    if last < first:
        raise Unreadable(f"Invalid `view_range` {view_range}: the last line comes before the first.")
    return first, last


def _folder(path: str, place: str) -> str:
    listing = "\n".join([f"{path.rstrip('/')}/", *_entries(path.rstrip("/"), place, DEPTH)])
    return (
        f"Here are the files and folders up to {DEPTH} levels deep in {path}, without hidden ones:\n{listing}"
    )


def _entries(path: str, place: str, depth: int) -> Iterator[str]:
    try:
        names = sorted(name for name in os.listdir(place) if not name.startswith("."))
    except OSError as error:
        yield f"{shown(path)}: {error.strerror}"
        return
    for name in names:
        below = os.path.join(place, name)
        if os.path.isdir(below):
            yield f"{shown(path)}/{shown(name)}/"
            if depth > 1:
                yield from _entries(f"{path}/{name}", below, depth - 1)
        else:
            yield f"{shown(path)}/{shown(name)}"
