"""A server of tools that nobody here wrote: npm's `@modelcontextprotocol/server-everything`.

It is installed once into `$REFOLD_EVERYTHING` (default: `everything` in the virtual environment). Where node,
npm or the package cannot be had, the tests that need it are skipped, and say so.
"""

import os
import re
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.npm import installed, listening

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
    with (
        subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment
        ) as process,
        listening(process, process.stderr, LISTENING) as url,
    ):
        yield Served(process, int(url.rpartition(":")[2]))


def _installed() -> str:
    return installed(f"@modelcontextprotocol/server-everything@{VERSION}", PLACE, SERVER)
