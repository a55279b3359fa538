"""Who this process is: what a claim says of its driver."""

import os
import socket
import time
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from refold.actors.sessions import Identity

_DECIDING = (
    "actors/session",
    "actors/controller",
    "actors/memory",
    "actors/runtime",
    "actors/tools",
    "projections",
)


def identity() -> Identity:
    return Identity(
        host=socket.gethostname(), pid=os.getpid(), process_started=_started(), code=code_version()
    )


@cache
def code_version() -> str:
    """Return the version and a digest of everything that decides: what 'the same code' means to `verify`."""
    digest = sha256()
    root = Path(str(files("refold")))
    for folder in _DECIDING:
        for file in sorted((root / folder).glob("*.py")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    try:
        release = version("refold")
    except PackageNotFoundError:
        release = "0"
    return f"{release}+{digest.hexdigest()[:12]}"


def _started() -> int:
    """Return when this process started, ns UTC."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
        booted = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return booted + ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.time_ns() - time.process_time_ns()
