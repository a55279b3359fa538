"""What every test may ask for.

`@pytest.mark.needs_bubblewrap` skips a test where `bwrap` does not work. With `REFOLD_REQUIRE_BUBBLEWRAP=1`,
as in continuous integration, any test or file skipped for want of it fails instead, whoever skipped it.

A run fails, too, when a process outlives it that works in the run's temporary folder: a runner whose session
no test has closed would live on for its lease of a day. Laws have no time limit but the test's own, and a
long search that somebody asks for by its variable has none at all.
"""

import os
import re
import subprocess
from collections.abc import Generator
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

REQUIRED = os.environ.get("REFOLD_REQUIRE_BUBBLEWRAP") == "1"
WANTING = re.compile(r"bubblewrap|bwrap", re.IGNORECASE)
BUDGETS = (
    "REFOLD_BOUNDARIES",
    "REFOLD_KILL_ROUNDS",
    "REFOLD_LIFECYCLES",
    "REFOLD_LIVES_ON_THREADS",
    "REFOLD_MUTATIONS",
    "REFOLD_SEEDS",
    "REFOLD_SESSIONS",
)
ENDING_S = 10.0
"""What a process may take that was told to end when the last test was over."""
LEFT = pytest.StashKey[list[str]]()

# Both look at the clock on the wall: on a machine with other work they tell of that, and not of the law.
settings.register_profile("refold", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("refold")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_bubblewrap: skipped where bwrap does not work")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if any(name in os.environ for name in BUDGETS):
        for item in items:
            item.add_marker(pytest.mark.timeout(0), append=False)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_bubblewrap") is not None and not bubblewrap_works():
        pytest.skip("bubblewrap does not work here")


@cache
def bubblewrap_works() -> bool:
    """Say whether a sandbox with its own processes, network and folders can be made here."""
    command = ["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--unshare-all", "true"]
    try:
        return subprocess.run(command, check=False, capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _refuse_to_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _refuse_to_skip((yield))


def _refuse_to_skip[Report: (pytest.TestReport, pytest.CollectReport)](report: Report) -> Report:
    if REQUIRED and report.outcome == "skipped" and WANTING.search(str(report.longrepr)):
        report.outcome = "failed"
        report.longrepr = f"skipped where it must run: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)  # By then the workers are gone.
def pytest_sessionfinish(session: pytest.Session) -> None:
    factory: pytest.TempPathFactory | None = getattr(session.config, "_tmp_path_factory", None)
    if factory is None or hasattr(session.config, "workerinput"):
        return
    base = factory.getbasetemp().resolve()
    working = {process: place for process in psutil.process_iter() if (place := _place(process, base))}
    _, left = psutil.wait_procs(list(working), timeout=ENDING_S)
    session.config.stash[LEFT] = [f"{working[process]}: {_called(process)}" for process in left]
    for process in left:
        with suppress(psutil.NoSuchProcess):  # It may have ended with the one before.
            process.kill()
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left = config.stash.get(LEFT, list[str]())
    if left:
        terminalreporter.section("processes that tests have left behind, by what they work in", red=True)
        for line in left:
            terminalreporter.write_line(line)


def _place(process: psutil.Process, base: Path) -> str:
    """Return what a process works in or holds open below `base`; "" where there is nothing."""
    if process.pid == os.getpid():
        return ""
    held = Path("/proc", str(process.pid))
    try:
        places = [str(link.readlink()) for link in (held / "cwd", *(held / "fd").iterdir())]
    except OSError:  # It has ended, or belongs to somebody else.
        return ""
    return next((place for place in places if place.startswith(f"{base}/")), "")


def _called(process: psutil.Process) -> str:
    try:
        return f"{process.pid}, {' '.join(process.cmdline())[-100:]}"
    except psutil.Error:
        return str(process.pid)
