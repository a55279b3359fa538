"""What each kind of recorded event becomes."""

import json
from pathlib import Path
from typing import Any

import pytest

from refold.eventlog.actions import Action, Edit, Finish, Message, Other, Read, Run, Think, Write
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    SessionImported,
    SystemMessageAdded,
)
from refold.eventlog.observations import (
    Failure,
    FileContent,
    FileEdited,
    FileWritten,
    Observation,
    OtherObservation,
    RunOutput,
    Thought,
)
from tests.formats.streams import REAL, TRAJECTORIES, action, imported, imported_list, observation

CREATE = {"command": "create", "path": "/workspace/a.py", "file_text": "x = '1'\n"}


def answer(call: str, arguments: dict[str, Any] | str) -> dict[str, Any]:
    """Return the metadata of a call, second of two in the same answer."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    calls = [
        {"id": "other", "function": {"name": "str_replace_editor", "arguments": '{"command": "undo_edit"}'}},
        {"id": call, "function": {"name": "str_replace_editor", "arguments": text}},
    ]
    return {"tool_call_id": call, "model_response": {"choices": [{"message": {"tool_calls": calls}}]}}


ACTIONS: list[tuple[dict[str, Any], Action]] = [
    (action("run", command="ls", thought="hm"), Run(command="ls", thought="hm")),
    (action("run", command="", is_input=True), Run(command="", is_input=True)),
    (action("read", path="/a", view_range=[1, -1]), Read(path="/a", view_range=(1, -1))),
    (action("read", path="/a", view_range=None, start=0), Read(path="/a")),
    (
        action("edit", path="/a", command="str_replace", old_str="x", new_str=""),
        Edit(path="/a", command="str_replace", old_str="x", new_str=""),
    ),
    (
        action("edit", path="/a", command="insert", insert_line=0, new_str="x"),
        Edit(path="/a", command="insert", insert_line=0, new_str="x"),
    ),
    (action("edit", path="/a", command="undo_edit"), Edit(path="/a", command="undo_edit")),
    (action("edit", path="/a", command="view"), Read(path="/a")),
    (action("write", path="/a", content="x", start=1, end=2), Write(path="/a", content="x", start=1, end=2)),
    (action("think", thought="so"), Think(thought="so")),
    (action("finish", final_thought="done", thought="t"), Finish(message="done", thought="t")),
    (action("finish", outputs={}, thought="t"), Finish(thought="t")),
    (action("message", content="hi", wait_for_response=False), Message(content="hi", waits=False)),
    (action("run_ipython", code="1"), Other(name="run_ipython", arguments={"code": "1"})),
    (action("run"), Other(name="run")),
    (action("run", command=None), Other(name="run", arguments={"command": None})),
    (
        action("read", path="/a", view_range="all"),
        Other(name="read", arguments={"path": "/a", "view_range": "all"}),
    ),
    (
        action("edit", path="/a", content="by a model"),
        Other(name="edit", arguments={"path": "/a", "content": "by a model"}),
    ),
]


@pytest.mark.parametrize(("event", "expected"), ACTIONS, ids=lambda value: type(value).__name__)
def test_an_action_keeps_its_arguments(tmp_path: Path, event: dict[str, Any], expected: Action) -> None:
    proposed = imported_list(tmp_path, [event])[1].event

    assert isinstance(proposed, ActionProposed)
    assert proposed.action == expected
    assert proposed.by == "agent"
    assert json.loads(proposed.foreign or "") == event


LACKING: dict[str, Any] = {"path": "/workspace/a.py", "content": "", "start": 1, "end": -1, "command": ""}
CODE = "print(file_editor(**{'command': 'create', 'path': '/workspace/a.py', 'file_text': 'x = \\'1\\'\\n'}))"


@pytest.mark.parametrize(
    "event",
    [
        action("edit", **LACKING, tool_call_metadata=answer("c", CREATE)),
        action("edit", **LACKING, translated_ipython_code=CODE),
        action("edit", **LACKING, translated_ipython_code=CODE, tool_call_metadata=answer("c", "{cut")),
        action(
            "edit", **LACKING | {"command": "create"}, file_text=None, tool_call_metadata=answer("c", CREATE)
        ),
    ],
)
def test_b51_what_an_edit_lacks_is_taken_from_the_answer_or_the_translated_code(
    tmp_path: Path, event: dict[str, Any]
) -> None:
    proposed = imported_list(tmp_path, [event])[1].event

    assert isinstance(proposed, ActionProposed)
    assert proposed.action == Edit(command="create", path="/workspace/a.py", file_text="x = '1'\n")


def test_b51_the_answer_goes_before_the_translated_code(tmp_path: Path) -> None:
    said = CREATE | {"file_text": "from the answer"}
    event = action("edit", **LACKING, translated_ipython_code=CODE, tool_call_metadata=answer("c", said))

    proposed = imported_list(tmp_path, [event])[1].event

    assert isinstance(proposed, ActionProposed)
    assert proposed.action == Edit(command="create", path="/workspace/a.py", file_text="from the answer")


@pytest.mark.parametrize(
    "code", ["print(file_editor(**{'a': __import__('os')}))", "**{" * 999, "}**{", "**{1}"]
)
def test_translated_code_is_read_and_never_run(tmp_path: Path, code: str) -> None:
    proposed = imported_list(tmp_path, [action("edit", path="/a", translated_ipython_code=code)])[1].event

    assert isinstance(proposed, ActionProposed)
    assert isinstance(proposed.action, Other)


OBSERVATIONS: list[tuple[dict[str, Any], Observation]] = [
    (
        observation("run", "x", command="ls", metadata={"exit_code": 2, "working_dir": "/w"}),
        RunOutput(content="x", exit_code=2, command="ls", directory="/w"),
    ),
    (observation("run", "x", exit_code=3), RunOutput(content="x", exit_code=3)),
    (observation("run", "x"), RunOutput(content="x", exit_code=-1)),
    (observation("run", "x") | {"success": True}, RunOutput(content="x", exit_code=0)),
    (observation("read", "x", path="/a"), FileContent(content="x", path="/a")),
    (observation("write", "", path="/a"), FileWritten(content="", path="/a")),
    (
        observation("edit", "@@", path="/a", prev_exist=False, old_content=None, new_content="n"),
        FileEdited(content="@@", path="/a", existed=False, new_content="n"),
    ),
    (
        observation("edit", "done", path="/a", prev_exist=False, old_content="o", new_content="n", diff=""),
        FileEdited(content="done", path="/a"),
    ),
    (observation("think", "logged"), Thought(content="logged")),
    (observation("error", "no", error_id=""), Failure(content="no")),
    (
        observation("run_ipython", "1", code="c"),
        OtherObservation(content="1", name="run_ipython", fields={"code": "c"}),
    ),
    (observation("user_rejected", "no"), OtherObservation(content="no", name="user_rejected")),
]


@pytest.mark.parametrize(("event", "expected"), OBSERVATIONS, ids=lambda value: type(value).__name__)
def test_an_observation_keeps_what_it_says(
    tmp_path: Path, event: dict[str, Any], expected: Observation
) -> None:
    recorded = imported_list(tmp_path, [event])[1].event

    assert isinstance(recorded, ObservationRecorded)
    assert recorded.observation == expected
    assert recorded.cause is None


def test_causes_become_versions_and_those_that_lead_nowhere_become_none(tmp_path: Path) -> None:
    records = imported_list(
        tmp_path,
        [
            action("run", command="a", id=7, tool_call_metadata={"tool_call_id": "c1"}),
            observation("run", "1", id=9, cause=7, tool_call_metadata={"tool_call_id": "c1"}),
            observation("run", "2", cause=8),
            observation("run", "3", cause=12),
            action("run", command="b", id=12),
            observation("run", "4"),
            observation("run", "5", cause="7"),
        ],
    )

    assert [record.cause for record in records[1:]] == [None, 1, None, None, None, None, None]
    assert isinstance(records[2].event, ObservationRecorded)
    assert records[2].event.tool_call_id == "c1"


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (observation("agent_state_changed", agent_state="init"), "agent_state_changed"),
        (observation("agent_state_changed", agent_state="user_confirmed"), "agent_state_changed"),
        (observation("recall", "Added workspace context", cause=0), "recall"),
        (observation("null"), "null"),
        ({"source": "agent", "observation": None, "content": ""}, "null"),
        (action("recall", "user", query="x", recall_type="knowledge"), "recall"),
        (action("change_agent_state", "environment", agent_state="running"), "change_agent_state"),
        (action("change_agent_state", "user", agent_state="bogus"), "change_agent_state"),
        (action("condensation", forgotten_event_ids=[1]), "condensation"),
        (action("run", "environment", command="x"), "run"),
    ],
)
def test_b51_what_has_no_counterpart_is_kept_under_its_name(
    tmp_path: Path, event: dict[str, Any], name: str
) -> None:
    recorded = imported_list(tmp_path, [event])[1].event

    assert isinstance(recorded, ForeignRecorded)
    assert recorded.name == name
    assert json.loads(recorded.foreign or "") == event


def test_people_and_system_speak_for_themselves(tmp_path: Path) -> None:
    records = imported_list(
        tmp_path,
        [
            action("system", content="You are", tools=[{"type": "function"}, 3]),
            action("message", "user", content="do it"),
            action("run", "user", command="ls"),
            observation("agent_state_changed", source="environment", agent_state="running", reason="r"),
            observation("error", "no", source="environment"),
        ],
    )

    assert [type(record.event) for record in records] == [
        SessionImported,
        SystemMessageAdded,
        MessageReceived,
        ActionProposed,
        AgentStateChanged,
        ObservationRecorded,
    ]
    assert [record.event.by for record in records[1:]] == ["agent", "user", "user", "system", "system"]


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ([action("run", command="x")], "stopped"),
        ([action("finish")], "finished"),
        ([action("finish"), action("message", "user", content="more")], "stopped"),
        ([action("finish"), observation("agent_state_changed", agent_state="paused")], "paused"),
        ([observation("agent_state_changed", agent_state="error"), action("finish")], "error"),
        ([action("finish"), observation("agent_state_changed", agent_state="user_rejected")], "finished"),
        (
            [observation("agent_state_changed", agent_state=state) for state in ("running", "init")],
            "running",
        ),
    ],
)
def test_the_status_is_the_last_state_that_is_ours(
    tmp_path: Path, events: list[dict[str, Any]], status: str
) -> None:
    head = imported_list(tmp_path, events)[0].event

    assert isinstance(head, SessionImported)
    assert head.status == status
    assert head.events == len(events)


@pytest.mark.parametrize("name", REAL)
def test_real_trajectories_are_understood(name: str) -> None:
    path = TRAJECTORIES / name
    if not path.exists():
        pytest.skip(f"no trajectory {path.name} on this machine")

    events = [record.event for record in imported(path)]

    assert isinstance(events[0], SessionImported)
    assert events[0].status == "finished"
    others = {e.action.name for e in events if isinstance(e, ActionProposed) and isinstance(e.action, Other)}
    assert others == ({"run_ipython"} if name.startswith("ondisk") else set())
