"""A server of models that nobody here wrote: npm's `@copilotkit/aimock`, speaking both wires on loopback.

It is installed once into `$REFOLD_AIMOCK` (default: `aimock` in the virtual environment). Where node, npm or
the package cannot be had, the tests that need it are skipped, and say so.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.npm import installed, listening

VERSION = "1.43.0"
PLACE = Path(os.environ.get("REFOLD_AIMOCK") or Path(sys.prefix) / "aimock")
SERVER = PLACE / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")


class AIMock:
    """A running server: `serve` says what it answers, `requests` what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def anthropic_url(self) -> str:
        return self.url

    def serve(self, *fixtures: dict[str, Any]) -> None:
        """Forget everything, then answer as `fixtures` say, the first that matches."""
        self._control("POST", "reset", {})
        self._control("POST", "fixtures", {"fixtures": list(fixtures)})

    def fail(self, **chaos: float) -> None:
        """Inject faults with the given rates, such as `malformedRate=1`."""
        self._control("POST", "chaos", chaos)

    def requests(self) -> list[dict[str, Any]]:
        """Return what was asked since `serve`."""
        entries: list[dict[str, Any]] = self._control("GET", "journal")
        return entries

    def _control(self, method: str, name: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(  # noqa: S310 - our own loopback
            f"{self.url}/__aimock/{name}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310 - our own loopback
            return json.loads(response.read() or "null")


@contextmanager
def running_aimock(directory: Path) -> Generator[AIMock]:
    """Run a server that knows nothing yet, and end it; skips the test where there can be none."""
    node = _installed()
    seed = directory / "aimock.json"
    seed.write_text('{"fixtures": [{"match": {"userMessage": "unused"}, "response": {"content": "-"}}]}')
    command = [node, str(SERVER), "--port", "0", "--strict", "--fixtures", str(seed)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process,
        listening(process, process.stdout, LISTENING) as url,
    ):
        yield AIMock(url)


def _installed() -> str:
    return installed(f"@copilotkit/aimock@{VERSION}", PLACE, SERVER)
