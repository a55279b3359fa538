"""`docs/states.md`: the table of agent states, drawn from the data that decides about them."""

from collections.abc import Iterator
from pathlib import Path

from refold.actors.controller.transitions import ENDED, RESTING, TRANSITIONS
from refold.eventlog.events import AgentState

DOCUMENT = Path(__file__).parents[2] / "docs" / "states.md"

_HEAD = """\
# States of an Agent

What `refold show` calls a session's `status`, and which state may follow which. A transition that is not here
is refused, and nothing is recorded. `make documents` draws this page from `TRANSITIONS` in
`actors/controller/transitions.py`, the data by which sessions decide.
"""


def states() -> str:
    """Return the page."""
    return "\n".join((_HEAD, *_diagram(), "", *_kinds(), "", *_table(), ""))


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> loading"
    for before, onward in TRANSITIONS.items():
        for after in onward:
            yield f"    {before} --> {after}"
    yield "```"


def _kinds() -> Iterator[str]:
    yield "| state | what happens by itself |"
    yield "| --- | --- |"
    for state in TRANSITIONS:
        yield f"| `{state}` | {_kind(state)} |"


def _kind(state: AgentState) -> str:
    if state in ENDED:
        return "nothing: it has ended, and a person can have it go on"
    return "nothing until a person acts" if state in RESTING else "it goes on"


def _table() -> Iterator[str]:
    yield "| from | to | by |"
    yield "| --- | --- | --- |"
    for before, onward in TRANSITIONS.items():
        for after, cause in onward.items():
            yield f"| `{before}` | `{after}` | {cause} |"
