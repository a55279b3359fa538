"""The tool that runs cells of Python in one lasting interpreter, and the recorded action that means it."""

from typing import Any

from refold.eventlog.actions import Action, Other, RunIPython
from refold.eventlog.settings import Settings

NAME = "execute_ipython_cell"

DESCRIPTION = """Run a cell of Python code in IPython and return what it printed and its last value.

* The interpreter is one and the same: variables, imports and functions stay between cells.
* It stands in the workspace. Magics such as %timeit work; `!` runs a shell command.
* A cell that runs longer than `timeout` is interrupted."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "description": "The code of the cell."},
        "timeout": {"type": "number", "description": "Seconds that it may take."},
    },
    "required": ["code"],
}


def cell_of(action: Action, settings: Settings) -> Action:
    """Return a recorded cell as one that can be run, where cells are switched on; others as they are."""
    match action:
        case Other(name="run_ipython", arguments={"code": str(code)}, thought=thought) if settings.ipython:
            return RunIPython(code=code, thought=thought)
        case _:
            return action
