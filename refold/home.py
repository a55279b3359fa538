"""The folder that holds a log and its sessions' working files."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from refold.errors import HomeEmpty, HomeUnusable, WrongUsage

if TYPE_CHECKING:
    from refold.eventlog.lmdb_log import LMDBLog

_ALL = os.R_OK | os.W_OK | os.X_OK
_ANOTHER = "name another one by --home or REFOLD_HOME"
_YOURS = f"let this user read and write it, or {_ANOTHER}"

_SESSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}(~[0-9]+)*")


def default_home() -> Path:
    """Return `$REFOLD_HOME`, else the platform's folder for a program's data."""
    if home := os.environ.get("REFOLD_HOME"):
        return Path(home)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "refold"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "refold"


def check_session(name: str) -> str:
    """Return `name` if it can name a session; raises `WrongUsage`."""
    if not _SESSION.fullmatch(name):
        raise WrongUsage(
            f"{name!r} cannot name a session: it takes letters, digits, '.', '_' and '-', "
            "begins with a letter or digit, and has at most 64 characters"
        )
    return name


def check_new(name: str) -> str:
    """Return `name` if a person can give it to a new session; raises `WrongUsage`."""
    if "~" in name:
        raise WrongUsage(f"{name!r} would be a delegate's name: leave the '~' out")
    return check_session(name)


class Home:
    """Paths of one home; made on first use, for its owner's eyes only."""

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = (default_home() if path is None else Path(path)).expanduser().absolute()

    @property
    def log_path(self) -> Path:
        return self.path / "log"

    @property
    def lock_path(self) -> Path:
        return self.path / "drivers.lock"

    @property
    def hidden(self) -> tuple[Path, ...]:
        """What no sandbox shows: the home, and what is in it if somebody works in the home itself."""
        return self.path, self.log_path, self.path / "sessions"

    def folder(self, session: str) -> Path:
        return self.path / "sessions" / session

    def workspace(self, session: str) -> Path:
        return self.folder(session) / "workspace"

    def control(self, session: str) -> Path:
        """Return the link that leads to the socket of the session's driver."""
        return self.folder(session) / "control"

    def runner(self, session: str) -> Path:
        return self.folder(session) / "runner"

    def exists(self) -> bool:
        """Whether a session was ever started here; raises `HomeUnusable` where none could be."""
        try:
            if self.path.exists() and not self.path.is_dir():
                raise HomeUnusable(f"the home {self.path} is not a folder; {_ANOTHER}")
            return self.log_path.is_dir()
        except OSError as error:
            raise HomeUnusable(f"the home {self.path} cannot be read: {error.strerror}; {_YOURS}") from error

    def make(self) -> None:
        """Create the folder with mode 0700; raises `HomeUnusable`."""
        self.exists()
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise HomeUnusable(
                f"the home {self.path} cannot be made: {error.strerror}; {_ANOTHER}"
            ) from error

    def open_log(self, *, readonly: bool = False) -> "LMDBLog":
        """Open the log; raises `HomeEmpty` for reading where there is none, `HomeUnusable`."""
        from refold.eventlog.lmdb_log import LMDBLog  # noqa: PLC0415 - only where a log is opened
        from refold.eventlog.log import LogError  # noqa: PLC0415

        if readonly and not self.exists():
            raise HomeEmpty(f"there is no session in {self.path} yet; `refold run` starts a first one")
        if not readonly:
            self.make()
        try:
            return LMDBLog.open(self.log_path, readonly=readonly)
        except (LogError, OSError) as error:
            said = (error.strerror if isinstance(error, OSError) else None) or str(error)
            advice = "" if os.access(self.path, _ALL) and os.access(self.log_path, _ALL) else f"; {_YOURS}"
            raise HomeUnusable(f"the log in {self.path} cannot be opened: {said}{advice}") from error
