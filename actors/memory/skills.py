"""Skill files of a workspace: what they say, and when it is told. A bad one is a warning, and hides none."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from refold.actors.memory.frontmatter import Document, Malformed, parse, tables
from refold.actors.memory.workspace import Unreadable, Workspace

FOLDERS = (".refold/skills", ".agents/skills", ".openhands/microagents")
"""In order of precedence: of two skills with one name, the first is meant."""
RULES = ".cursorrules"
CHARACTERS_MAX = 20_000
"""What is shown of one text."""

_BYTES_MAX = 200_000
_FILES_MAX = 200
_DEPTH_MAX = 3
_DESCRIPTION_MAX = 500
_TYPES = frozenset({"always", "repo", "knowledge", "task"})
_ASK = "If something that this task needs was not given, ask the user for it before you begin."

type When = Literal["always", "triggered", "listed"]


class Skill(Struct, frozen=True, kw_only=True):
    """`path` names it in the log. `body` is told always or on a trigger; a listed one, the agent reads."""

    name: str
    path: str
    when: When
    body: str = ""
    description: str = ""
    triggers: tuple[str, ...] = ()
    within: bool = True
    """It lies in the workspace, where the agent can see what else lies beside it."""

    def triggered_by(self, text: str) -> str | None:
        """Return the first trigger that stands in `text` as a word, whatever its case."""
        return next((trigger for trigger in self.triggers if _stands_in(trigger, text)), None)


class Skills(Struct, frozen=True):
    """What was found; `warnings` name each bad file, and its line where one is to blame."""

    found: tuple[Skill, ...]
    warnings: tuple[str, ...]


def skills(workspace: Workspace, users: Workspace | None = None) -> Skills:
    """Read every skill file of the workspace, then those of the user's own folder."""
    found: dict[str, Skill] = {}
    warnings: list[str] = []
    for number, (place, path, shown) in enumerate(_all_files(workspace, users)):
        if number == _FILES_MAX:
            warnings.append(
                f"{shown}: this and what follows is left out, there are over {_FILES_MAX} skill files"
            )
            break
        try:
            skill = _skill(place, path, shown, warnings)
        except Malformed as error:
            warnings.append(f"{shown}:{error.line}: {error}")
        except Unreadable as error:
            warnings.append(f"{shown}: {error}")
        else:
            if skill is not None:
                found.setdefault(skill.name.casefold(), replace(skill, within=place is workspace))
    return Skills(tuple(found.values()), tuple(warnings))


def _all_files(workspace: Workspace, users: Workspace | None) -> Iterator[tuple[Workspace, str, str]]:
    """Yield each file: the folder that it is read in, its path there, and the path that people are shown."""
    for path in _files(workspace):
        yield workspace, path, path
    if users is not None:
        home = str(Path.home())
        root = str(users.root)
        shown = f"~{root.removeprefix(home)}" if root.startswith(f"{home}/") else root
        for path in _below(users, "", _DEPTH_MAX):
            yield users, path, f"{shown}/{path}"


def text_of(workspace: Workspace, path: str) -> str | None:
    """Return a file as it is shown, cut with a note where too long; None if there is none."""
    found = workspace.read(path, bytes_max=_BYTES_MAX)
    return None if found is None else _shown(path, found[0].strip(), cut=found[1])


def _files(workspace: Workspace) -> Iterator[str]:
    for folder in FOLDERS:
        yield from _below(workspace, folder, _DEPTH_MAX)
    if workspace.has(RULES):
        yield RULES


def _below(workspace: Workspace, folder: str, depth: int) -> Iterator[str]:
    names = workspace.names(folder)
    start = f"{folder}/" if folder else ""
    if "SKILL.md" in names and folder:
        yield f"{start}SKILL.md"
        return
    for name in names:
        path = f"{start}{name}"
        if workspace.is_folder(path):
            if depth > 1:
                yield from _below(workspace, path, depth - 1)
        elif name.casefold().endswith(".md") and name.casefold() != "readme.md":
            yield path


def _skill(workspace: Workspace, path: str, shown: str, warnings: list[str]) -> Skill | None:
    found = workspace.read(path, bytes_max=_BYTES_MAX)
    if found is None:
        return None
    text, cut = found
    if path == RULES:
        return Skill(name=RULES, path=shown, when="always", body=_shown(shown, text.strip(), cut=cut))
    document = parse(text)
    name = _text(document, "name") or _name_of(path)
    type_ = _text(document, "type")
    triggers = _list(document, "triggers")
    body, when = document.body, _when(path, triggers)
    if type_ and type_ not in _TYPES:
        line, known = document.lines["type"], ", ".join(sorted(_TYPES))
        warnings.append(f"{shown}:{line}: type {type_[:40]!r} is none of {known}; it is taken as {when}")
    if type_ == "task" or "inputs" in document.head:
        triggers, when = (*triggers, f"/{name}"), "triggered"
        body = "\n\n".join(part for part in (body, _inputs(document), _ASK) if part)
    description = _text(document, "description")
    if when == "listed" and not description:
        warnings.append(f"{shown}:1: a skill needs a description, so that the agent can tell when to read it")
    return Skill(
        name=name,
        path=shown,
        when=when,
        body=_shown(shown, body, cut=cut),
        description=description[:_DESCRIPTION_MAX],
        triggers=triggers,
    )


def _inputs(document: Document) -> str:
    """Return what a task needs to be given, as a list."""
    listed = [
        f"- {table['name']}" + (f": {table['description']}" if table.get("description") else "")
        for table in tables(document, "inputs")
        if table.get("name")
    ]
    return "\n".join(("What this task needs to be given:", *listed)) if listed else ""


def _when(path: str, triggers: tuple[str, ...]) -> When:
    if triggers:
        return "triggered"
    return "listed" if path.endswith("/SKILL.md") else "always"


def _name_of(path: str) -> str:
    parts = path.split("/")
    return parts[-2] if parts[-1] == "SKILL.md" else parts[-1].rpartition(".")[0]


def _text(document: Document, key: str) -> str:
    value = document.head.get(key, "")
    return value if isinstance(value, str) else " ".join(value)


def _list(document: Document, key: str) -> tuple[str, ...]:
    value = document.head.get(key, ())
    texts = (value,) if isinstance(value, str) else value
    return tuple(text.strip() for text in texts if text.strip())


def _shown(path: str, text: str, *, cut: bool) -> str:
    missing = len(text) - CHARACTERS_MAX
    if missing <= 0 and not cut:
        return text
    more = "more" if cut else f"{missing} more characters"
    return f"{text[:CHARACTERS_MAX]}\n[... {more} in {path}]"


def _stands_in(trigger: str, text: str) -> bool:
    words = r"\s+".join(re.escape(word) for word in trigger.split())
    return re.search(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE) is not None
