"""What was imported is exported again, equal as JSON values, in order."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.openhands_export import export_array, export_openhands, export_texts
from refold.eventlog.formats.stream import to_stream
from refold.projections.pending import pending
from refold.projections.reenactment import steps
from refold.projections.render import Renderer
from tests.formats.streams import REAL, TRAJECTORIES, committed, imported

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**40), max_value=10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from((
    "message", "system", "run", "read", "edit", "write", "think", "finish", "recall", "run_ipython", "browse",
    "call_tool_mcp", "delegate", "change_agent_state", "condensation", "null", "error", "agent_state_changed",
    "success", "user_rejected", "kind_of_next_year", "",
))  # fmt: skip
STATES = st.sampled_from(("init", "user_confirmed", "user_rejected", "running", "finished", "no such state"))
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "command": st.text() | JSON,
        "path": st.text() | JSON,
        "content": st.text() | JSON,
        "thought": st.text() | JSON,
        "view_range": JSON,
        "insert_line": JSON,
        "agent_state": STATES | JSON,
        "metadata": st.fixed_dictionaries({}, optional={"exit_code": JSON, "hostname": JSON}),
        "unknown": JSON,
    },
)
TOP = {
    "id": st.integers(-1, 30) | JSON,
    "timestamp": st.just("2025-04-30T16:32:57.821635") | JSON,
    "cause": st.integers(-1, 30) | JSON,
    "message": st.text() | JSON,
    "tool_call_metadata": JSON,
    "timeout": JSON,
    "unknown": JSON,
}
SOURCE = st.sampled_from(("user", "agent", "environment", "martian")) | JSON
ACTIONS = st.fixed_dictionaries({"source": SOURCE, "action": KINDS, "args": FIELDS | JSON}, optional=TOP)
OBSERVATIONS = st.fixed_dictionaries(
    {"source": SOURCE, "observation": KINDS | st.none(), "content": st.text() | JSON},
    optional=TOP | {"extras": FIELDS | JSON},
)
EVENTS = st.lists(ACTIONS | OBSERVATIONS, min_size=1, max_size=6)


@pytest.mark.parametrize("name", REAL)
def test_b51_a_real_trajectory_comes_back_equal(name: str) -> None:
    path = TRAJECTORIES / name
    if not path.exists():
        pytest.skip(f"no trajectory {path.name} on this machine")

    records = imported(path)

    assert export_openhands(records) == json.loads(path.read_text())
    assert json.loads(export_array(records)) == json.loads(path.read_text())
    assert pending(records) == ()


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_b51_any_events_come_back_equal(events: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "trajectory.json"
        file.write_text(json.dumps(events))
        records = imported(file)

    assert json.dumps(export_openhands(records)) == json.dumps(events)
    assert len(records) == len(events) + 1
    assert pending(records) == ()
    steps(records)
    renderer = Renderer()
    for record, event in zip(records[1:], events, strict=True):
        assert json.dumps(json.loads(renderer.line(record))["data"]["foreign"]) == json.dumps(event)


@settings(max_examples=50, deadline=None)
@given(EVENTS, st.dictionaries(st.text(), JSON, max_size=2))
def test_b51_what_stood_around_the_events_is_kept(
    events: list[dict[str, Any]], around: dict[str, Any]
) -> None:
    for key in ("trajectory", "history", "events"):
        around.pop(key, None)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "trajectory.json"
        file.write_text(json.dumps({"trajectory": events, **around}, indent=2))
        trajectory = read_trajectory(file)

    assert trajectory.format == "openhands-trajectory"
    assert trajectory.envelope is not None
    assert json.loads(trajectory.envelope) == {"key": "trajectory", "rest": around}
    assert export_openhands(committed(to_stream(trajectory).events)) == events


def test_b51_not_a_digit_of_a_number_is_lost(tmp_path: Path) -> None:
    event = (
        '{"source":"agent","action":"think","args":{"thought":"","big":123456789012345678901234567890,'
        '"fine":0.1000000000000000055511151231257827,"far":1e400,'
        '"half":"\\ud83d","whole":"\\ud83d\\ude00 😀"}}'
    )
    file = tmp_path / "trajectory.json"
    file.write_text(f"[\n  {event}\n]")

    assert export_texts(imported(file)) == [event]


@pytest.mark.parametrize("kind", ["run_ipython", "run", "finish", "message"])
def test_b51_what_is_nested_very_deeply_comes_back_too(tmp_path: Path, kind: str) -> None:
    deep = "[" * 800 + "]" * 800
    event = f'{{"source":"agent","action":"{kind}","args":{{"command":{deep},"content":{deep},"x":{deep}}}}}'
    file = tmp_path / "trajectory.json"
    file.write_text(f"[{event}]")

    records = imported(file)

    assert export_texts(records) == [event]
    assert len([Renderer().line(record) for record in records]) == 2


def test_white_space_inside_texts_is_kept_and_outside_is_not(tmp_path: Path) -> None:
    file = tmp_path / "trajectory.json"
    file.write_text('[ {"source" : "agent",\n\t"action":"think" , "args": {"thought": "a \\" b : c"} } ]')

    assert export_texts(imported(file)) == [
        '{"source":"agent","action":"think","args":{"thought":"a \\" b : c"}}'
    ]
