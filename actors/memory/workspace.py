"""A workspace's files, read from outside: only what lies in it, only so much, and never waiting for anything.

The agent can write here while we read, so every path is walked without following a link on the way.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_FOLDERS_MAX = 2_000
_DEPTH_MAX = 8
_SKIPPED = frozenset(
    {"node_modules", "__pycache__", "site-packages", "target", "dist", "build", "vendor", "venv"}
)


class Unreadable(Exception):
    """A file that is there and cannot be read as text; says why."""


class Workspace:
    """Paths are relative, with slashes; links are followed as long as they stay inside."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def read(self, path: str, *, bytes_max: int) -> tuple[str, bool] | None:
        """Return a file's text and whether it was cut; None where there is no file. Raises `Unreadable`."""
        try:
            place = (self.root / path).resolve(strict=True)
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError) as error:
            raise Unreadable("its path leads nowhere") from error
        if not place.is_relative_to(self.root):
            raise Unreadable("it is a link that leads out of the workspace, and is not followed")
        try:
            data = self._bytes(place.relative_to(self.root).parts, bytes_max + 1)
        except OSError as error:
            raise Unreadable(error.strerror or str(error)) from error
        cut = len(data) > bytes_max
        try:
            return data[:bytes_max].decode(errors="ignore" if cut else "strict"), cut
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise Unreadable(f"line {line} is not UTF-8") from error

    def _bytes(self, parts: tuple[str, ...], count: int) -> bytes:
        """Read through folders held open, so that nobody can put a link in the way meanwhile."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        held = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                inner = os.open(part, flags, dir_fd=held)
                os.close(held)
                held = inner
            if not stat.S_ISREG(os.fstat(held).st_mode):
                raise Unreadable("it is no regular file")
            with os.fdopen(os.dup(held), "rb") as file:
                return file.read(count)
        finally:
            os.close(held)

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder of the workspace, sorted; none where there is no such folder."""
        place = self._inside(folder)
        try:
            return sorted(name for name in os.listdir(place) if name.isprintable()) if place else []  # noqa: PTH208 - names
        except OSError:
            return []

    def is_folder(self, path: str) -> bool:
        place = self._inside(path)
        return place is not None and os.path.isdir(place)  # noqa: PTH112 - a `Path` raises where it may not look

    def _inside(self, path: str) -> Path | None:
        """Return where a path leads; None where it leads out of the workspace, or nowhere."""
        try:
            place = (self.root / path).resolve()
        except (OSError, RuntimeError):
            return None
        return place if place.is_relative_to(self.root) else None

    def has(self, path: str) -> bool:
        return os.path.lexists(self.root / path)

    def below(self, name: str) -> Iterator[str]:
        """Yield each file called `name` below the root, in a bounded part of the tree, nearest first."""
        level: list[str] = [""]
        visited = 0
        for _ in range(_DEPTH_MAX):
            deeper: list[str] = []
            for folder in level:
                visited += 1
                if visited > _FOLDERS_MAX:
                    return
                deeper += self._folders(folder)
                if folder and os.path.isfile(self.root / folder / name):  # noqa: PTH113 - as in `is_folder`
                    yield f"{folder}/{name}"
            level = deeper

    def _folders(self, folder: str) -> list[str]:
        try:
            with os.scandir(self.root / folder) as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []
        wanted = sorted(
            name for name in names if name.isprintable() and name[0] != "." and name not in _SKIPPED
        )
        return [f"{folder}/{name}" if folder else name for name in wanted]
