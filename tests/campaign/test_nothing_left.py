"""Sessions started and closed in a row, some in mid-start, some killed: nothing of them is left over.

`REFOLD_SESSIONS=100` runs so many instead of a few.
"""

import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import refold
from refold.actors.runner.hands import RunnerHands
from refold.home import Home
from tests.behaviour.git_remote import repository
from tests.front.test_embedding import FINISH, script, shell

SESSIONS = int(os.environ.get("REFOLD_SESSIONS", "8"))
LEASE_S = 2.0
ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


def ours(home: Home, runtime: Path) -> dict[str, list[str]]:
    """Return what this process and this home hold on to at this moment."""
    gc.collect()
    return {
        "sockets": [str(path) for path in (runtime / "refold").iterdir()],
        "threads": [thread.name for thread in threading.enumerate()],
        "descriptors": sorted(
            target
            for link in Path("/proc/self/fd").iterdir()
            if (target := _target(link)) and not target.startswith("/proc")
        ),
        "files": sorted(
            str(path.relative_to(home.path))
            for path in home.path.rglob("*")
            if path.name in {"runner.json", "control", ".refold-clone"} or path.suffix in {".new", ".tmp"}
        ),
        "alive": sorted(
            folder.name
            for folder in (home.path / "sessions").glob("*")
            if RunnerHands(folder.name, folder / "runner").is_alive()
        ),
    }


def more(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what is there that was not, each as often as it is too much."""
    found = {what: sorted((Counter(after[what]) - Counter(before[what])).elements()) for what in before}
    return {what: things for what, things in found.items() if things}


def _target(link: Path) -> str:
    try:
        target = str(link.readlink())
    except OSError:
        return ""
    return target.partition(":[")[0]  # Pipes and sockets by their kind: their numbers are their own.


def until_nothing(left: Callable[[], dict[str, list[str]]]) -> None:
    """Wait for a keeper's lease to run out."""
    deadline = time.monotonic() + PATIENCE_S
    while found := left():
        assert time.monotonic() < deadline, f"left over: {found}"
        threading.Event().wait(0.1)


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test a runtime directory of its own: other tests have sockets as well."""
    with tempfile.TemporaryDirectory(prefix="refold-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


def test_sessions_leave_nothing_behind_however_they_end(tmp_path: Path, runtime: Path) -> None:
    home = Home(tmp_path / "home")
    source = repository(tmp_path / "source", {".refold/setup.sh": "sleep 0.2"})
    done, long = tmp_path / "done", tmp_path / "long"
    for folder in (done, long):
        folder.mkdir()
    finishing, staying = script(done, shell("true"), FINISH), script(long, shell("sleep 100"))
    with refold.open(home.path) as system:
        system.start("go", session="first", model=finishing, sandbox="local").wait(timeout=60)
        system.let_go("first", end_runner=True)
        before = ours(home, runtime)

        def left() -> dict[str, list[str]]:
            return more(before, ours(home, runtime))

        for number in range(SESSIONS):
            name = f"s{number}"
            match number % 4:
                case 0:  # It comes to its end.
                    session = system.start("go", session=name, model=finishing, sandbox="local")
                    session.wait(timeout=60)
                    system.let_go(name, end_runner=True)
                case 1:  # It is closed while its command runs.
                    session = system.start("go", session=name, model=staying, sandbox="local")
                    session.close()
                case 2:  # It is closed in mid-start.
                    session = system.start(
                        "go", session=name, model=finishing, sandbox="local", repository=str(source)
                    )
                    session.close()
                case _:  # Its driver is killed.
                    _killed(home, name, staying)
        until_nothing(left)
    assert not RunnerHands("s3", home.runner("s3")).is_alive()


def _killed(home: Home, name: str, model: str) -> None:
    command = [sys.executable, "-m", "refold", "run", "--session", name, "--sandbox", "local", "--json"]
    driver = subprocess.Popen(
        [*command, "--model", model, "--home", str(home.path), "go"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env={**os.environ, "REFOLD_RUNTIME_LEASE_S": str(LEASE_S)},
    )
    with driver:
        assert driver.stdout is not None
        for line in driver.stdout:
            if b"RuntimeConnected" in line:
                break
        driver.send_signal(signal.SIGKILL)
