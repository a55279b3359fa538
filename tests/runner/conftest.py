"""Real runners for tests: launched in a temporary folder, and all gone afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from refold.testing.runner_contract import RealPlace

SANDBOXES = ["local", pytest.param("bubblewrap", marks=pytest.mark.needs_bubblewrap)]


@pytest.fixture(params=SANDBOXES)
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RealPlace]:
    """Give every test that asks for it a place in each sandbox."""
    place = RealPlace(tmp_path, request.param)
    yield place
    place.end()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[RealPlace]:
    place = RealPlace(tmp_path, "local")
    yield place
    place.end()


@pytest.fixture
def bubblewrap(tmp_path: Path) -> Iterator[RealPlace]:
    """Mark tests that ask for it with `needs_bubblewrap`."""
    place = RealPlace(tmp_path, "bubblewrap")
    yield place
    place.end()
