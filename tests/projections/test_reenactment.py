"""What of a recording is carried out again, and what it is compared with."""

from pathlib import Path
from typing import Any

import pytest

from refold.eventlog.actions import Finish, Message, Other, Read, Run, Think
from refold.eventlog.observations import Failure, FileContent, RunOutput, Thought
from refold.projections.reenactment import (
    RecordedStep,
    Recording,
    names_workspace,
    steps,
    workspace_of,
)
from refold.projections.render import Renderer
from tests.formats.native import NATIVE
from tests.formats.streams import (
    REAL,
    TRAJECTORIES,
    action,
    committed,
    forked,
    imported,
    imported_list,
    observation,
)

DONE = {"exit_code": 0, "hostname": "box"}


def test_b52_user_and_agent_act_again_and_the_rest_does_not(tmp_path: Path) -> None:
    records = imported_list(
        tmp_path,
        [
            action("system", content="You are"),
            action("message", "user", content="go", id=1),
            action("recall", "user", query="go", id=2),
            observation("recall", "known", source="environment", cause=2),
            observation("agent_state_changed", source="environment", agent_state="running"),
            action("run", command="ls", id=5),
            observation("run", "a", cause=5, metadata=DONE),
            action("message", content="hi", id=7),
            action("run", "user", command="pwd", id=8),
            observation("run", "/w", cause=8, source="user", metadata=DONE),
            action("run_ipython", code="1", id=10),
            action("change_agent_state", "environment", agent_state="finished"),
            action("finish", id=12),
        ],
    )

    assert [(s.version, s.message, s.action, s.expected, s.hostname) for s in steps(records)] == [
        (2, "go", None, None, ""),
        (6, None, Run(command="ls"), RunOutput(content="a", exit_code=0), "box"),
        (8, None, Message(content="hi"), None, ""),
        (9, None, Run(command="pwd"), RunOutput(content="/w", exit_code=0), "box"),
        (11, None, Other(name="run_ipython", arguments={"code": "1"}), None, ""),
        (13, None, Finish(), None, ""),
    ]


def test_b52_an_answer_is_found_by_cause_else_by_call_else_right_behind(tmp_path: Path) -> None:
    def call(identity: str) -> dict[str, Any]:
        return {"tool_call_metadata": {"tool_call_id": identity}}

    records = imported_list(
        tmp_path,
        [
            action("read", path="a", id=0, **call("c0")),
            action("read", path="b", id=1, **call("c1")),
            observation("read", "b", **call("c1")),
            observation("read", "a", cause=0),
            action("think", thought="x"),
            observation("think", "logged"),
            action("run", command="x"),
            observation("read", "not mine"),
            action("run", command="y"),
            observation("error", "refused"),
            action("finish"),
            observation("error", "of nobody"),
            action("run", command="z", id=12),
            observation("run", "first", cause=12),
            observation("run", "late", cause=12),
            observation("error", "about a call that was none"),
        ],
    )

    assert [step.expected for step in steps(records)] == [
        FileContent(content="a", path=""),
        FileContent(content="b", path=""),
        Thought(content="logged"),
        None,
        Failure(content="refused"),
        None,
        RunOutput(content="first", exit_code=-1),
    ]


def test_b52_an_action_that_nobody_allowed_stays_undone(tmp_path: Path) -> None:
    records = imported_list(
        tmp_path,
        [
            action("run", command="a", id=0, confirmation_state="awaiting_confirmation"),
            action("run", command="a", id=1, confirmation_state="confirmed"),
            observation("run", "x", cause=1),
            action("run", command="b", id=3, confirmation_state="rejected"),
            observation("user_rejected", "no", cause=3),
        ],
    )

    assert [step.version for step in steps(records)] == [2]


def test_a_session_of_our_own_is_carried_out_again_without_what_was_rejected() -> None:
    found = [(s.version, s.message or s.action) for s in steps(committed(NATIVE))]

    assert [version for version, _ in found] == [5, 10, 11, 18, 24, 25, 26, 28]
    assert found[2] == (11, Think(thought="so"))


def test_steps_are_found_by_where_one_stands() -> None:
    recording = Recording(committed(NATIVE))

    cursor = -1
    seen: list[RecordedStep] = []
    while (step := recording.after(cursor)) is not None:
        assert recording.at(step.version) == step
        cursor = step.version
        seen.append(step)

    assert tuple(seen) == recording.steps
    assert recording.at(6) is None
    assert Recording(()).after(-1) is None


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (action("run", command="cd /workspace && make"), True),
        (action("run", command="ls /workspace/a"), True),
        (action("run", command="ls '/workspace'"), True),
        (action("run", command="ls /workspace2 /my/workspace workspace"), False),
        (action("read", path="/workspace/a.py"), True),
        (action("read", path="a/workspace/b"), False),
        (action("write", path="/workspace/a", content=""), True),
        (action("edit", path="/workspace/a", command="undo_edit"), True),
        (action("browse", url="file:///workspace/a /workspace/b"), True),
        (action("think", thought="/workspace"), False),
        (action("message", content="/workspace"), False),
        (action("message", "user", content="/workspace"), False),
    ],
)
def test_naming_the_workspace_is_noticed_where_it_matters(
    tmp_path: Path,
    event: dict[str, Any],
    named: bool,  # noqa: FBT001 - a table's column
) -> None:
    assert names_workspace(imported_list(tmp_path, [event])) is named


def test_the_workspace_is_where_the_session_had_it(tmp_path: Path) -> None:
    ours = committed(NATIVE)
    foreign = imported_list(tmp_path, [action("run", command="ls")])

    assert workspace_of(ours) == "/home/x/w"
    assert workspace_of(forked(ours, NATIVE[5:6])) == "/w"
    assert workspace_of(foreign) == "/workspace"


@pytest.mark.parametrize(
    ("runs", "workspace"),
    [
        ([("ls", "/home/x/w"), ("ls", "/elsewhere")], "/home/x/w"),
        ([("cd / && ls", "/"), ("ls", "/home/x/w")], "/home/x/w"),
        ([("ls", "/workspace/repository")], "/workspace"),
        ([("ls", "/")], "/workspace"),
        ([("ls", "")], "/workspace"),
    ],
)
def test_an_imported_session_that_does_not_say_had_its_workspace_where_it_began(
    tmp_path: Path, runs: list[tuple[str, str]], workspace: str
) -> None:
    events = [observation("run", command=c, metadata={"exit_code": 0, "working_dir": d}) for c, d in runs]

    assert workspace_of(imported_list(tmp_path, events)) == workspace


def test_our_own_records_say_where_the_workspace_was(tmp_path: Path) -> None:
    renderer = Renderer()
    file = tmp_path / "records.jsonl"
    file.write_text("\n".join(renderer.line(record) for record in committed(NATIVE)))

    assert workspace_of(imported(file)) == "/home/x/w"


@pytest.mark.parametrize(
    ("name", "count", "named"), list(zip(REAL, (24, 3, 6, 4), (True, True, False, False), strict=True))
)
def test_real_trajectories_have_the_steps_that_were_recorded(name: str, count: int, named: bool) -> None:  # noqa: FBT001 - a table's column
    path = TRAJECTORIES / name
    if not path.exists():
        pytest.skip(f"no trajectory {path.name} on this machine")
    records = imported(path)

    assert len(steps(records)) == count
    assert names_workspace(records) is named
    assert all(
        isinstance(s.action, Read | Finish | Message) or s.expected or s.message for s in steps(records)
    )
