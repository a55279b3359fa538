"""Cells of Python in one lasting interpreter, and what is said where there is none."""

import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from refold.actors.agents.registry import greeting
from refold.actors.runner.executor.cells import Cells
from refold.actors.runner.executor.text_file import Unreadable
from refold.actors.tools.execute_ipython_cell import cell_of
from refold.actors.tools.toolbox import names_of
from refold.eventlog.actions import Other, RunIPython
from tests.behaviour.scenes import settings

ENVIRONMENT = {"PATH": os.defpath, "HOME": "/nonexistent", "IPYTHONDIR": "/nonexistent/ipython"}


@pytest.fixture
def cells(tmp_path: Path) -> Generator[Cells]:
    pytest.importorskip("IPython")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    made = Cells(workspace=str(tmp_path), environment=ENVIRONMENT, limit_s=60)
    yield made
    made.close()


def test_a_cell_sees_what_earlier_cells_made(cells: Cells) -> None:
    assert cells.run({"code": "a = 20"})["content"] == ""
    assert "42" in cells.run({"code": "print(a)\na + 22"})["content"]
    assert "ZeroDivisionError" in cells.run({"code": "1 / 0"})["content"]
    assert cells.run({"code": "import os\nprint(os.getcwd())"})["content"] == os.path.realpath(
        cells.workspace
    )


def test_variables_that_are_renewed_are_found_by_later_cells_and_by_a_fresh_interpreter(cells: Cells) -> None:
    cells.run({"code": "import os\nkept = 1"})
    cells.renew({"RENEWED": "new"})
    assert cells.run({"code": "print(kept, os.environ['RENEWED'])"})["content"] == "1 new"
    cells.close()
    assert cells.run({"code": "import os\nprint(os.environ['RENEWED'])"})["content"] == "new"


def test_b23_a_cell_that_takes_too_long_is_interrupted_and_the_interpreter_goes_on(cells: Cells) -> None:
    cells.run({"code": "a = 1"})
    late = cells.run({"code": "import time\ntime.sleep(60)", "timeout": 0.5})
    assert "interrupted after 0.5 seconds" in late["content"]
    assert cells.run({"code": "a"})["content"].endswith("1")


def test_an_interpreter_that_is_lost_says_so_and_starts_afresh(cells: Cells) -> None:
    with pytest.raises(Unreadable, match="lost with all that it held"):
        cells.run({"code": f"import os\nos.kill(os.getpid(), {int(signal.SIGKILL)})"})
    assert "NameError" in cells.run({"code": "os"})["content"]


def test_where_no_python_has_ipython_the_tool_is_not_available(tmp_path: Path) -> None:
    lonely = Cells(workspace=str(tmp_path), environment={"PATH": str(tmp_path)}, limit_s=5)
    with pytest.raises(Unreadable, match=r"Tool not available: run_ipython.*Install the package ipython"):
        lonely.run({"code": "1"})


def test_cells_are_offered_and_carried_out_again_only_where_they_are_asked_for() -> None:
    recorded = Other(name="run_ipython", arguments={"code": "1 + 1"}, thought="hm")
    assert cell_of(recorded, settings()) == recorded
    assert cell_of(recorded, settings(ipython=True)) == RunIPython(code="1 + 1", thought="hm")
    assert "execute_ipython_cell" not in names_of(greeting(settings()).tools)
    assert "execute_ipython_cell" in names_of(greeting(settings(ipython=True)).tools)
