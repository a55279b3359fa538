"""Every form in which the replaced system leaves a session comes in without loss and goes out again."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings

from refold.eventlog.actions import Edit, Other
from refold.eventlog.events import ActionProposed, AgentStateChanged, ForeignRecorded
from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.openhands_export import export_openhands, export_texts
from refold.eventlog.formats.stream import to_stream
from refold.eventlog.formats.trajectory import TrajectoryUnreadable
from refold.projections.pending import pending
from tests.formats.streams import action, committed, imported, observation
from tests.formats.test_round_trip import EVENTS

type Json = dict[str, Any]


def _file(folder: Path, text: str) -> Path:
    path = folder / "output"
    path.write_text(text, encoding="utf-8")
    return path


def headless(folder: Path, events: list[Json]) -> Path:
    """Write what a run without a screen saves: one list."""
    return _file(folder, json.dumps(events, indent=2))


def exported(folder: Path, events: list[Json]) -> Path:
    """Write what the screen's download holds: the list in an object."""
    return _file(folder, json.dumps({"trajectory": events}))


def paged(folder: Path, events: list[Json]) -> Path:
    """Write what its server answers when asked for the events."""
    return _file(folder, json.dumps({"events": events, "has_more": False}))


def directory(folder: Path, events: list[Json]) -> Path:
    """Write what its server keeps: a folder of numbered events among other files."""
    (folder / "session" / "events").mkdir(parents=True)
    for index, event in enumerate(events):
        (folder / "session" / "events" / f"{index}.json").write_text(json.dumps(event), encoding="utf-8")
    (folder / "session" / "metadata.json").write_text("{}", encoding="utf-8")
    return folder / "session"


def evaluation(folder: Path, events: list[Json]) -> Path:
    """Write what an evaluation does: a line for an instance, with the list among its figures."""
    line = {"instance_id": "i-1", "test_result": {"patch": ""}, "history": events, "error": None}
    return _file(folder, json.dumps(line) + "\n")


def a_line_each(folder: Path, events: list[Json]) -> Path:
    return _file(folder, "".join(json.dumps(event) + "\n" for event in events))


FORMS: list[Callable[[Path, list[Json]], Path]] = [
    headless,
    exported,
    paged,
    directory,
    evaluation,
    a_line_each,
]

SESSION: list[Json] = [
    observation("agent_state_changed", source="environment", id=0, agent_state="loading", reason=""),
    action("system", content="You are", tools=[{"type": "function"}], agent_class="CodeActAgent", id=1),
    action("message", "user", content="go", file_urls=None, image_urls=["data:image/png;base64,AA=="], id=2),
    action("recall", "user", recall_type="workspace_context", query="go", id=3),
    observation("recall", "Added workspace context", "environment", id=4, cause=3, repo_name="a/b"),
    observation("agent_state_changed", source="environment", id=5, agent_state="init"),
    action("run", command="ls", confirmation_state="awaiting_confirmation", security_risk=1, id=6),
    observation("agent_state_changed", source="environment", id=7, agent_state="user_confirmed"),
    observation("run", "a", id=8, cause=6, metadata={"exit_code": 0, "pid": -1, "new": {"deep": [1.5e300]}}),
    observation("null", source="environment", id=9),
    {"id": 10, "source": "environment", "observation": None, "content": "", "extras": {}},
    action("call_tool_mcp", name="fetch", arguments={"url": "x"}, thought="t", id=11),
    observation("mcp", "page", id=12, cause=11, tool_call_metadata={"tool_call_id": "c"}),
    action("kind_of_next_year", dream=True, id=13) | {"timestamp": "2031-01-01T00:00:00", "aura": "blue"},
    observation("kind_of_next_year", "zzz", id=14, cause=13),
    action("condensation", "agent", forgotten_event_ids=[6, 8], summary="s", id=15),
    observation("user_rejected", "no", id=16, cause=13),
    action("finish", final_thought="done", outputs={}, task_completed="true", id=17),
    observation("agent_state_changed", source="environment", id=18, agent_state="user_rejected"),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_b51_a_whole_session_comes_back_equal_from_every_form(
    tmp_path: Path, form: Callable[[Path, list[Json]], Path]
) -> None:
    trajectory = read_trajectory(form(tmp_path, SESSION))
    stream = to_stream(trajectory)

    assert export_texts(committed(stream.events)) == [
        json.dumps(event, separators=(",", ":")) for event in SESSION
    ]
    assert stream.losses == ()
    assert trajectory.format.startswith("openhands-")
    assert pending(committed(stream.events)) == ()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@settings(max_examples=40, deadline=None)
@given(EVENTS)
def test_b51_any_events_come_back_equal_from_every_form(
    form: Callable[[Path, list[Json]], Path], events: list[Json]
) -> None:
    with TemporaryDirectory() as folder:
        records = imported(form(Path(folder), events))

    assert json.dumps(export_openhands(records)) == json.dumps(events)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"id": 1, "action": "run", "args": {}}, "no 'source'"),
        ({"id": 1, "source": "agent", "action": "run"}, "an action without 'args'"),
        ({"id": 1, "source": "agent", "observation": "run"}, "an observation without 'content'"),
        ({"id": 1, "source": "agent"}, "neither 'action' nor 'observation'"),
    ],
)
def test_b51_what_lacks_the_envelope_is_refused_in_every_form_with_its_place_and_why(
    tmp_path: Path, form: Callable[[Path, list[Json]], Path], broken: Json, why: str
) -> None:
    with pytest.raises(TrajectoryUnreadable) as refused:
        read_trajectory(form(tmp_path, [SESSION[0], SESSION[2], broken]))

    assert "event 2 (id 1" in str(refused.value)
    assert str(refused.value).endswith(why)
    if form is directory:
        assert "events/2.json" in str(refused.value)


def test_b51_states_and_kinds_that_are_not_ours_are_kept_under_their_names(tmp_path: Path) -> None:
    events = [record.event for record in imported(headless(tmp_path, SESSION))]

    assert [event.state for event in events if isinstance(event, AgentStateChanged)] == ["loading"]
    assert [event.name for event in events if isinstance(event, ForeignRecorded)] == [
        "recall",
        "recall",
        "agent_state_changed",
        "agent_state_changed",
        "null",
        "null",
        "condensation",
        "agent_state_changed",
    ]
    actions = [event.action for event in events if isinstance(event, ActionProposed)]
    assert [action.name for action in actions if isinstance(action, Other)] == [
        "call_tool_mcp",
        "kind_of_next_year",
    ]


def test_b51_what_an_edit_lacks_is_found_in_the_answer_of_the_model(tmp_path: Path) -> None:
    said = json.dumps({"command": "create", "path": "/w/a", "file_text": "x\n"})
    call = {"id": "c", "type": "function", "function": {"name": "str_replace_editor", "arguments": said}}
    response = {"choices": [{"message": {"tool_calls": [call]}}]}
    edit = action("edit", path="/w/a", tool_call_metadata={"tool_call_id": "c", "model_response": response})

    (event,) = (record.event for record in imported(evaluation(tmp_path, [edit]))[1:])

    assert isinstance(event, ActionProposed)
    assert event.action == Edit(command="create", path="/w/a", file_text="x\n")
