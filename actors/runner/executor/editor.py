"""`edit` and `write`: exact changes to files, each of which can be undone while this runner lives."""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH110

import os
from collections.abc import Mapping
from typing import Any

from .places import resolve
from .text_file import TextFile, Unreadable, shown, store
from .viewer import numbered

HISTORY_MAX = 10
CONTENT_MAX = 1_000_000
_REVIEW = "Review the changes and make sure they are as expected. Edit the file again if necessary."

type Observation = dict[str, Any]


class Editor:
    """Changes files and remembers what they were."""

    def __init__(self, *, workspace: str) -> None:
        self._workspace = workspace
        self._before: dict[str, list[tuple[str, bool]]] = {}

    def edit(self, action: Mapping[str, Any]) -> Observation:
        """Carry out one edit; raises `Unreadable` with a text for the agent."""
        path: str = action["path"]
        place = resolve(path, workspace=self._workspace)
        match action["command"]:
            case "create":
                return self._create(path, place, _needed(action, "file_text"))
            case "str_replace":
                return self._replace(path, place, _needed(action, "old_str"), action.get("new_str") or "")
            case "insert":
                return self._insert(path, place, _needed(action, "insert_line"), _needed(action, "new_str"))
            case "undo_edit":
                return self._undo(path, place)
            case command:
                raise Unreadable(f"There is no editor command {command!r}.")

    def write(self, action: Mapping[str, Any]) -> Observation:
        """Replace the lines from `start` (0-based) up to, not including, `end`; -1 means to the end."""
        path: str = action["path"]
        place = resolve(path, workspace=self._workspace)
        lines = TextFile(place, path).text.splitlines(keepends=True) if os.path.exists(place) else []
        start, end = int(action.get("start", 0)), int(action.get("end", -1))
        rest = [] if end == -1 else lines[end:]
        content: str = action["content"]
        if rest and not content.endswith("\n"):
            content += "\n"
        _store(path, place, "".join([*lines[: max(start, 0)], content, *rest]))
        return {"kind": "write", "path": path, "content": ""}

    def _create(self, path: str, place: str, text: str) -> Observation:
        if os.path.lexists(place):
            raise Unreadable(
                f"File already exists at: {path}. `create` does not overwrite it; edit it instead."
            )
        _store(path, place, text)
        return _edited(path, f"File created successfully at: {path}", old=None, new=text)

    def _replace(self, path: str, place: str, old: str, new: str) -> Observation:
        file = TextFile(place, path)
        if file.crlf:
            old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
        if not old:
            raise Unreadable("No replacement was performed: `old_str` is empty.")
        if old == new:
            raise Unreadable("No replacement was performed: `old_str` and `new_str` are the same.")
        count = file.text.count(old)
        if count == 0:
            raise Unreadable(
                f"No replacement was performed, old_str `{old}` did not appear verbatim in {path}."
            )
        if count > 1:
            raise Unreadable(
                f"No replacement was performed: old_str `{old}` appears {count} times, on the lines "
                f"{_places(file.text, old)}. Make it longer, so that it is unique."
            )
        line = file.text[: file.text.index(old)].count("\n") + 1
        return self._change(file, file.text.replace(old, new), line=line, more=new.count("\n"))

    def _insert(self, path: str, place: str, after: int, new: str) -> Observation:
        file = TextFile(place, path)
        lines = file.text.split("\n")
        count = len(lines) - (lines[-1] == "")
        if not 0 <= after <= count:
            raise Unreadable(
                f"Invalid `insert_line` {after}: the file has {count} lines, so 0 to {count} will do."
            )
        inserted = new.split("\n")
        if inserted[-1] == "" and len(inserted) > 1:
            inserted.pop()
        text = "\n".join([*lines[:after], *inserted, *lines[after:]])
        return self._change(file, text, line=after + 1, more=len(inserted) - 1)

    def _undo(self, path: str, place: str) -> Observation:
        file = TextFile(place, path)
        if not (history := self._before.get(place)):
            raise Unreadable(f"No edit of {path} is remembered; a new runner begins with none.")
        text, crlf = history[-1]
        _store(path, place, text, crlf=crlf)
        history.pop()
        said = f"Last edit to {path} undone successfully. Here's the result of running `cat -n` on {path}:\n"
        return _edited(path, said + numbered(text), old=file.text, new=text)

    def _change(self, file: TextFile, text: str, *, line: int, more: int) -> Observation:
        path = file.path
        _store(path, file.place, text, crlf=file.crlf)
        history = self._before.setdefault(file.place, [])
        history.append((file.text, file.crlf))
        del history[:-HISTORY_MAX]
        said = (
            f"The file {path} has been edited. "
            f"Here's the result of running `cat -n` on a snippet of {path}:\n"
        )
        return _edited(path, said + _snippet(text, line, more) + _REVIEW, old=file.text, new=text)


def _snippet(text: str, line: int, more: int) -> str:
    """Show the changed lines with a few around; ends, as recorded sessions show it, with one empty number."""
    first = max(1, line - 3)
    lines = text.split("\n")[first - 1 : line + more + 4]
    whole = first - 1 + len(lines) == text.count("\n") + 1
    return numbered("\n".join(lines) + ("" if whole else "\n"), first=first)


def _places(text: str, old: str) -> str:
    lines: list[str] = []
    place = text.find(old)
    while place >= 0:
        lines.append(str(text.count("\n", 0, place) + 1))
        place = text.find(old, place + len(old))
    return ", ".join(lines)


def _needed(action: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - the type depends on the name
    if (value := action.get(name)) is None:
        raise Unreadable(f"Parameter `{name}` is required for command: {action['command']}.")
    return value


def _store(path: str, place: str, text: str, *, crlf: bool = False) -> None:
    try:
        store(place, text, crlf=crlf)
    except OSError as error:
        raise Unreadable(f"Cannot write {path}: {error.strerror}.") from error


def _edited(path: str, content: str, *, old: str | None, new: str) -> Observation:
    edited: Observation = {
        "kind": "edit",
        "path": path,
        "content": shown(content),
        "existed": old is not None,
    }
    if max(len(old or ""), len(new)) <= CONTENT_MAX:
        edited |= {"old_content": None if old is None else shown(old), "new_content": shown(new)}
    return edited
