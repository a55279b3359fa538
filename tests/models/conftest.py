"""The server that the wire tests share."""

from collections.abc import Generator

import pytest

from tests.models.aimock import AIMock, running_aimock


@pytest.fixture(scope="session")
def aimock(tmp_path_factory: pytest.TempPathFactory) -> Generator[AIMock]:
    with running_aimock(tmp_path_factory.mktemp("aimock")) as server:
        yield server
