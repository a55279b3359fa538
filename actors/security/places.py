"""Where a path leads, as far as its text says: links are not followed, nothing is looked up."""

import posixpath
import re

from msgspec import Struct

_SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - names of places, no file is made
_HARMLESS = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/zero", "/dev/fd"})
_SYSTEM = (
    "/etc",
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/boot",
    "/dev",
    "/sys",
    "/proc",
    "/root",
    "/var",
)
_TAKES_EFFECT = re.compile(
    r"(^|/)(\.ssh|\.gnupg|\.aws|\.kube|\.docker|\.config/(systemd|autostart)|\.git/(hooks|config)|\.husky)(/|$)"
    r"|(^|/)\.(bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zshenv|zprofile|zlogin|cshrc|kshrc"
    r"|inputrc|vimrc|netrc|npmrc|pypirc|pgpass|gitconfig|envrc)$"
    r"|(^|/)(authorized_keys|crontab|sudoers)$"
)
"""Files that take effect by themselves, later and elsewhere, or hold what opens doors."""
_CREDENTIALS = re.compile(
    r"(^|/)\.(ssh/(id_[^/]*|[^/]*\.pem)|netrc|pgpass|pypirc|npmrc|git-credentials|docker/config\.json)$"
    r"|(^|/)\.(aws|gnupg|kube)/"
    r"|^/etc/(shadow|gshadow|sudoers)|^/proc/[^/]+/environ$|(^|/)\.config/gcloud/"
)


class Place(Struct, frozen=True, kw_only=True):
    """The `workspace`, and the `directory` that relative paths begin at; None where nobody knows it."""

    workspace: str
    directory: str | None

    def resolve(self, path: str) -> str | None:
        """Return the path in full; a home folder keeps its tilde. None where the directory is unknown."""
        if path.startswith("~"):
            return posixpath.normpath(path)
        if path.startswith("/"):
            return _normal(path)
        if self.directory is None:
            return None
        return _normal(posixpath.join(self.directory, path))

    def is_inside(self, path: str) -> bool:
        return _below(path, _normal(self.workspace))

    def is_scratch(self, path: str) -> bool:
        """Whether the path is for anybody's scratch; not what lies about a workspace that is there itself."""
        if path in _HARMLESS or path.startswith("/dev/fd/"):
            return True
        for top in _SCRATCH:
            if _below(path, top):
                workspace = _normal(self.workspace)
                about = workspace.removeprefix(f"{top}/").partition("/")[0]
                return not (_below(workspace, top) and _below(path, f"{top}/{about}"))
        return False

    def is_workspace(self, path: str) -> bool:
        """Whether the path is the workspace itself, or above it."""
        return _below(_normal(self.workspace), path)


def _normal(path: str) -> str:
    return posixpath.normpath(re.sub(r"^/+", "/", path))


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")


def is_system(path: str) -> bool:
    return path == "/" or any(_below(path, top) for top in _SYSTEM)


def takes_effect(path: str) -> bool:
    return _TAKES_EFFECT.search(path) is not None


def is_credential(path: str) -> bool:
    return _CREDENTIALS.search(path) is not None
