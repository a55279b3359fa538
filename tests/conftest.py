"""What every test may ask for.

`@pytest.mark.needs_bubblewrap` skips a test where `bwrap` does not work. With `REFOLD_REQUIRE_BUBBLEWRAP=1`,
as in continuous integration, any test or file skipped for want of it fails instead, whoever skipped it.
"""

import os
import re
import subprocess
from collections.abc import Generator
from functools import cache

import pytest

REQUIRED = os.environ.get("REFOLD_REQUIRE_BUBBLEWRAP") == "1"
WANTING = re.compile(r"bubblewrap|bwrap", re.IGNORECASE)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_bubblewrap: skipped where bwrap does not work")


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
