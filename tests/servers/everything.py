"""A server of tools that nobody here wrote: npm's `@modelcontextprotocol/server-everything`.

It is installed once into `$REFOLD_EVERYTHING` (default: `everything` in the virtual environment). Where node,
npm or the package cannot be had, the tests that need it are skipped, and say so.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest

VERSION = "2026.8.31"
PLACE = Path(os.environ.get("REFOLD_EVERYTHING") or Path(sys.prefix) / "everything")
SERVER = PLACE / "node_modules" / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
LOOPBACK = Path(__file__).with_name("loopback.cjs")
"""Has the server listen on loopback only, on a free port, and say on which."""
LISTENING = re.compile(r"refold test: (http://127\.0\.0\.1:\d+)")


def everything() -> tuple[str, tuple[str, ...]]:
    """Return the command that serves standard input and output; skips the test where there is none."""
    return _installed(), (str(SERVER), "stdio")


class Served:
    """The server behind HTTP; `url` is good until `kill`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def serving(port: int = 0) -> Generator[Served]:
    """Serve HTTP on loopback, and end it."""
    command = [_installed(), "--require", str(LOOPBACK), str(SERVER), "streamableHttp"]
    environment = {**os.environ, "PORT": str(port)}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        found: Queue[str | None] = Queue()
        reader = Thread(target=_read, args=(process, found), daemon=True)
        reader.start()
        try:
            url = found.get(timeout=60)
            if url is None:
                pytest.fail("the server ended before it listened")
            yield Served(process, int(url.rpartition(":")[2]))
        finally:
            process.kill()
            reader.join()


def _read(process: subprocess.Popen[str], found: Queue[str | None]) -> None:
    """Report where the server listens, and go on reading: a full pipe would stop it."""
    for line in process.stderr or ():
        if listening := LISTENING.search(line):
            found.put(listening[1])
    found.put(None)


def _installed() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("the server needs node and npm, which are missing here")
    PLACE.mkdir(parents=True, exist_ok=True)
    with (PLACE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not SERVER.exists():
            package = f"@modelcontextprotocol/server-everything@{VERSION}"
            command = [npm, "install", "--prefix", str(PLACE), "--no-audit", "--no-fund", package]
            try:
                done = subprocess.run(command, check=False, capture_output=True, timeout=180)
            except subprocess.TimeoutExpired:
                done = None
            if done is None or not SERVER.exists():
                pytest.skip(f"npm could not install {package}")
    return node
