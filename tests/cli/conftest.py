from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal, until


@pytest.fixture(scope="session")
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the commands of these tests keep their compiled modules."""
    return tmp_path_factory.mktemp("bytecode")


@pytest.fixture
def terminal(tmp_path: Path, bytecode: Path) -> Iterator[Terminal]:
    """Return a terminal with a home of its own, in which nothing may be left running."""
    terminal = Terminal(tmp_path, bytecode)
    yield terminal
    if terminal.processes():  # Sessions that wait for a person keep their shell.
        terminal.run("doctor", "--reap")
    until(lambda: terminal.processes() == [])
