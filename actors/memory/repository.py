"""What a git repository says of itself, read from its files: no program of the workspace is run for it."""

import re

from msgspec import Struct

from refold.actors.memory.workspace import Unreadable, Workspace

_BYTES_MAX = 100_000
_SECTION = re.compile(r'\s*\[\s*([\w.-]+)(?:\s+"(.*)")?\s*\]')
_URL = re.compile(r"\s*url\s*=\s*(\S+)")
_ADDRESS = re.compile(r"(?:(?!file:)[\w+.-]+://[^/]+/|[^/:]+:(?!//))(.+)")
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_COMMIT_SHOWN = 12


class Repository(Struct, frozen=True):
    """`branch` is None where HEAD says nothing; `commit` is set where no branch is checked out."""

    name: str
    branch: str | None = None
    commit: str | None = None


def repository(workspace: Workspace) -> Repository | None:
    """Return the repository whose root the workspace is; None where it is none."""
    if not workspace.has(".git"):
        return None
    name = _remote(_text(workspace, ".git/config")) or workspace.root.name
    head = _text(workspace, ".git/HEAD").strip()
    if head.startswith("ref: refs/heads/"):
        return Repository(name, branch=_line(head.removeprefix("ref: refs/heads/")))
    commit = head[:_COMMIT_SHOWN] if _COMMIT.fullmatch(head) else None
    return Repository(name, commit=commit)


def _remote(config: str) -> str | None:
    """Return what `origin` calls the repository, as owner/name; what comes before may hold a secret."""
    section: tuple[str, str] | None = None
    for line in config.splitlines():
        if found := _SECTION.match(line):
            section = (found[1], found[2] or "")
        elif section == ("remote", "origin") and (url := _URL.match(line)):
            return _line(_named(url[1])) or None
    return None


def _named(url: str) -> str:
    """Return the last two parts of an address, the last one of a path on this machine."""
    address = _ADDRESS.fullmatch(url)
    path = url if address is None else address[1]
    parts = path.removesuffix("/").removesuffix(".git").split("/")
    return "/".join(parts[-1:] if address is None else parts[-2:])


def _line(text: str) -> str:
    """Return text that the agent could have written, fit to stand in a line."""
    return re.sub(r"[^\w./@+-]", "", text)[:200]


def _text(workspace: Workspace, path: str) -> str:
    try:
        found = workspace.read(path, bytes_max=_BYTES_MAX)
    except Unreadable:
        return ""
    return "" if found is None else found[0]
