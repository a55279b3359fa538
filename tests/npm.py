"""Programs of others, from npm: installed once, and listened to until they say where they serve."""

import fcntl
import re
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO

import pytest


def installed(package: str, place: Path, program: Path) -> str:
    """Return the node that runs `program`, with `package` in `place`; skips the test where it cannot be."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"{package} needs node and npm, which are missing here")
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            command = [npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", package]
            try:
                done = subprocess.run(command, check=False, capture_output=True, timeout=180)
            except subprocess.TimeoutExpired:
                done = None
            if done is None or not program.exists():
                pytest.skip(f"npm could not install {package}")
    return node


@contextmanager
def listening(
    process: subprocess.Popen[str], said: IO[str] | None, address: re.Pattern[str]
) -> Generator[str]:
    """Give where a server listens, which it says itself, and end it afterwards."""
    found: Queue[str | None] = Queue()
    reader = Thread(target=_read, args=(said, address, found), daemon=True)
    reader.start()
    try:
        url = found.get(timeout=60)
        if url is None:
            pytest.fail("the server ended before it listened")
        yield url
    finally:
        process.kill()
        reader.join()


def _read(said: IO[str] | None, address: re.Pattern[str], found: Queue[str | None]) -> None:
    """Report where the server listens, and go on reading: a full pipe would stop it."""
    for line in said or ():
        if match := address.search(line):
            found.put(match[1])
    found.put(None)
