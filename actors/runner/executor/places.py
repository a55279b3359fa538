"""Where a path that the agent names lies: relative to the workspace, and `/workspace` by its own name."""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH118

import os

MOUNTED = "/workspace"


def resolve(path: str, *, workspace: str) -> str:
    """Return the absolute path; where no `/workspace` is mounted, it means the workspace all the same."""
    if workspace != MOUNTED and (path == MOUNTED or path.startswith(MOUNTED + "/")):
        path = path[len(MOUNTED) :].lstrip("/")
    return os.path.normpath(os.path.join(workspace, path))
