"""Where a runner's socket lies: short, private, and named by the folder that it serves."""

import hashlib
import os
import stat
from pathlib import Path

_RUNTIME_MAX = 60


class PlaceUnsafe(Exception):
    """The folder for sockets could be tampered with by somebody else."""


def socket_path(directory: Path) -> Path:
    """Return the path of a runner's socket, in a folder that only this user can enter.

    Socket paths end at 108 bytes on Linux, so the home may be anywhere but the socket may not.
    """
    name = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:24]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir() and len(runtime) < _RUNTIME_MAX and os.access(runtime, os.W_OK):
        folder = Path(runtime) / "refold"
    else:
        folder = Path(f"/tmp/refold-{os.getuid()}")  # noqa: S108 - checked below
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PlaceUnsafe(f"{folder} is not a folder of yours alone; remove it, or set XDG_RUNTIME_DIR")
    return folder / name
