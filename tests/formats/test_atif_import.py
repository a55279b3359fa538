"""ATIF that other programs wrote: understood as far as it goes, exported as it was, refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from refold.eventlog.actions import Edit, Finish, Message, Other, Read, Reject, Run, Think
from refold.eventlog.events import (
    ActionProposed,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    SessionImported,
    SystemMessageAdded,
)
from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.stream import to_stream
from refold.eventlog.formats.trajectory import TrajectoryUnreadable
from refold.eventlog.observations import FileContent, OtherObservation, RunOutput, Thought
from refold.projections.reenactment import steps
from tests.formats.test_atif import events_of_all, exported, lines, written

OTHERS: dict[str, Any] = {
    "schema_version": "ATIF-v1.4",
    "session_id": "x-1",
    "agent": {"name": "x", "version": "1", "tool_definitions": [{"type": "function"}], "extra": {"n": 1}},
    "notes": "by hand",
    "steps": [
        {"step_id": 1, "source": "system", "message": "Be brief."},
        {"step_id": 2, "source": "user", "message": [{"type": "text", "text": "look"}]},
        {
            "step_id": 3,
            "source": "agent",
            "message": "Looking.",
            "reasoning_content": "hm",
            "tool_calls": [
                {"tool_call_id": "a", "function_name": "bash", "arguments": {"command": "ls", "timeout": 9}},
                {
                    "tool_call_id": "b",
                    "function_name": "str_replace_editor",
                    "arguments": {"command": "view", "path": "/w/a", "view_range": [1, 2]},
                },
                {"tool_call_id": "c", "function_name": "search", "arguments": {"q": "x"}},
                {"tool_call_id": "d", "function_name": "think", "arguments": {"thought": "so"}},
            ],
            "observation": {
                "results": [
                    {"source_call_id": "b", "content": "1\tx"},
                    {"source_call_id": "a", "content": "a\n"},
                    {"source_call_id": "c", "content": [{"type": "text", "text": "none"}]},
                    {"source_call_id": "d", "content": "ok"},
                    {"source_call_id": "a", "content": "twice"},
                ]
            },
            "metrics": {"prompt_tokens": 7},
        },
        {
            "step_id": 4,
            "source": "agent",
            "message": "",
            "tool_calls": [{"tool_call_id": "e", "function_name": "bash", "arguments": {"command": "pwd"}}],
            "observation": {"results": [{"content": "/w"}]},
        },
        {"step_id": 5, "source": "system", "message": "half of the budget is spent"},
        {"step_id": 6, "source": "agent", "message": "What else?"},
    ],
}


def test_the_steps_of_another_agent_are_understood(tmp_path: Path) -> None:
    head, *rest = events_of_all(written(tmp_path, json.dumps(OTHERS)))

    assert isinstance(head, SessionImported)
    assert (head.format, head.events, head.status) == ("atif", len(rest), "stopped")
    assert isinstance(rest[0], SystemMessageAdded)
    assert (rest[0].content, rest[0].tools) == ("Be brief.", ({"type": "function"},))
    assert isinstance(rest[1], MessageReceived)
    assert rest[1].content == "look"
    assert [event.action for event in rest if isinstance(event, ActionProposed)] == [
        Run(command="ls", timeout=9.0, thought="Looking."),
        Read(path="/w/a", view_range=(1, 2)),
        Other(name="search", arguments={"q": "x"}),
        Think(thought="so"),
        Run(command="pwd"),
        Message(content="What else?"),
    ]
    answers = [(e.cause, e.observation) for e in rest if isinstance(e, ObservationRecorded)]
    assert answers == [
        (4, FileContent(content="1\tx", path="/w/a")),
        (3, RunOutput(content="a\n", exit_code=None, command="ls")),
        (5, OtherObservation(content="none", name="search")),
        (6, Thought(content="ok")),
        (12, RunOutput(content="/w", exit_code=None, command="pwd")),
    ]
    assert [event.name for event in rest if isinstance(event, ForeignRecorded)] == ["result", "system"]


def test_what_another_agent_wrote_is_exported_as_it_was(tmp_path: Path) -> None:
    records = written(tmp_path, json.dumps(OTHERS, indent=1))

    assert json.loads(exported(records)) == OTHERS
    assert exported(written(tmp_path, lines(records))) == exported(records)


def test_what_becomes_no_event_is_said_once(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps({**OTHERS, "subagent_trajectories": [OTHERS | {"trajectory_id": "t"}]}))

    assert to_stream(read_trajectory(file)).losses == (
        "a subagent's trajectory",
        "reasoning",
        "a result that belongs to no call",
        "a note of the system",
    )


def test_an_action_whose_exit_code_nobody_recorded_cannot_differ_in_it(tmp_path: Path) -> None:
    (recorded, *_) = (step for step in steps(written(tmp_path, json.dumps(OTHERS))) if step.action)

    assert recorded.expected == RunOutput(content="a\n", exit_code=None, command="ls")


def test_edits_and_the_end_are_understood(tmp_path: Path) -> None:
    arguments = {"command": "str_replace", "path": "/a", "old_str": "x", "new_str": "y"}
    calls: list[tuple[str, dict[str, str]]] = [
        ("str_replace_based_edit_tool", arguments),
        ("finish", {"message": "done"}),
        ("bash", {}),
    ]
    calls.append(("reject", {"message": "no"}))
    step = {
        "step_id": 1,
        "source": "agent",
        "message": "m",
        "tool_calls": [{"function_name": name, "arguments": given} for name, given in calls],
    }
    document: dict[str, Any] = {"schema_version": "ATIF-v1.0", "agent": {}, "steps": [step]}

    head, *rest = events_of_all(written(tmp_path, json.dumps(document)))

    assert [event.action for event in rest if isinstance(event, ActionProposed)] == [
        Edit(command="str_replace", path="/a", old_str="x", new_str="y", thought="m"),
        Finish(message="done"),
        Other(name="bash", arguments={}),
        Reject(message="no"),
    ]
    assert isinstance(head, SessionImported)


NO_ATIF: list[tuple[dict[str, Any], str]] = [
    ({"schema_version": "ATIF-v2.0", "steps": [{}]}, "it must be ATIF-v1.0 or a later 1.x"),
    ({"steps": [{}]}, "'schema_version' is missing"),
    ({"schema_version": "ATIF-v1.2", "steps": []}, "it holds no steps"),
    ({"schema_version": "ATIF-v1.2", "steps": [3]}, "step 0: not an object but int"),
    ({"schema_version": "ATIF-v1.2", "steps": [{"step_id": 1}]}, "step 0 (step_id 1): 'source' is None"),
    ({"schema_version": "ATIF-v1.2", "steps": [{"source": "user"}]}, "step 0: no 'message'"),
    ({"schema_version": "ATIF-v1.2", "steps": {"a": 1}}, "'steps' is no list of events"),
]


@pytest.mark.parametrize(("document", "said"), NO_ATIF)
def test_what_is_no_atif_is_refused_by_name(tmp_path: Path, document: dict[str, Any], said: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(document))

    with pytest.raises(TrajectoryUnreadable) as refused:
        read_trajectory(file)

    assert said in str(refused.value)
