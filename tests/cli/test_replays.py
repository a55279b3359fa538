"""Trajectories of every origin, imported, carried out again and compared, by the commands that people use."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import atif
import pytest

from tests.cli.terminal import FINISH, Terminal, bash

type Json = dict[str, Any]


def acted(number: int, command: str, content: str, exit_code: int = 0) -> list[Json]:
    """Return a command and its answer as the replaced system records them."""
    call = {"tool_call_id": f"c{number}"}
    ran: Json = {"id": number, "source": "agent", "action": "run", "args": {"command": command}}
    answer: Json = {"id": number + 1, "source": "agent", "observation": "run", "content": content}
    answer |= {"cause": number, "extras": {"command": command, "metadata": {"exit_code": exit_code}}}
    return [ran | {"tool_call_metadata": call}, answer | {"tool_call_metadata": call}]


def recorded(*middle: list[Json], end: str = "finish") -> list[Json]:
    """Return a session as the screen exports it: with the environment's events among the others."""

    def environment(number: int, state: str) -> Json:
        extras = {"agent_state": state, "reason": ""}
        return {
            "id": number,
            "source": "environment",
            "observation": "agent_state_changed",
            "content": "",
            "extras": extras,
        }

    recall = {"recall_type": "workspace_context", "query": "count"}
    last: Json = {"id": 90, "source": "agent", "action": end, "args": {"content": "and now?"}}
    return [
        environment(0, "loading"),
        {"id": 1, "source": "agent", "action": "system", "args": {"content": "You are", "tools": []}},
        {"id": 2, "source": "user", "action": "message", "args": {"content": "count"}},
        {"id": 3, "source": "user", "action": "recall", "args": recall},
        {"id": 4, "source": "environment", "observation": "recall", "content": "x", "extras": recall},
        environment(5, "running"),
        *(event for pair in middle for event in pair),
        last,
        environment(91, "user_confirmed"),
    ]


def saved(terminal: Terminal, document: object, name: str = "recorded.json") -> str:
    path = terminal.folder / name
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def replayed(terminal: Terminal, source: str, *options: str, code: int = 0) -> Json:
    """Carry a recording out again in session `again`; return what is reported at the end."""
    done = terminal.run("replay", source, "--sandbox", "local", "--session", "again", "--json", *options)
    assert done.returncode == code, done.stderr
    report: Json = json.loads(done.stdout.splitlines()[-1])
    return report


def test_b52_a_recording_of_the_replaced_system_is_carried_out_in_order_and_nothing_else_of_it_is(
    terminal: Terminal,
) -> None:
    source = saved(
        terminal,
        recorded(
            acted(10, "echo one > count", ""),
            [{"id": 20, "source": "user", "action": "message", "args": {"content": "once more"}}],
            acted(30, "echo two >> count; cat count", "one\ntwo\n"),
            acted(40, "exit_with() { return 3; }; exit_with", "", 3),
        ),
    )

    report = replayed(terminal, source)

    assert (report["status"], report["actions"], report["drift"]) == ("finished", 4, [])
    assert (terminal.workspace("again") / "count").read_text() == "one\ntwo\n"
    types = [record["type"] for record in terminal.records("again")]
    assert types.count("ModelAsked") == 0
    assert types.count("ForeignRecorded") == 0
    assert types.count("SystemMessageAdded") == 1
    recalls = [r["data"]["recall"] for r in terminal.records("again") if r["type"] == "RecallRecorded"]
    assert recalls.count("workspace_context") == 1
    messages = [r["data"]["content"] for r in terminal.records("again") if r["type"] == "MessageReceived"]
    assert messages == ["count", "once more"]
    states = [r["data"]["state"] for r in terminal.records("again") if r["type"] == "AgentStateChanged"]
    assert "awaiting_user_input" not in states


def test_b52_where_a_recording_ends_with_words_a_person_and_a_model_go_on(terminal: Terminal) -> None:
    source = saved(terminal, recorded(acted(10, "echo one", "one\n"), end="message"))
    model = terminal.script(bash("echo two"), FINISH)

    report = replayed(terminal, source, *model[:2], code=3)

    assert (report["status"], report["drift"]) == ("awaiting_user_input", [])
    assert terminal.count("again", "ModelAsked") == 0
    assert terminal.run("say", "again", "go on").returncode == 0
    assert terminal.shown("again")["status"] == "finished"
    assert terminal.count("again", "ModelAsked") == 2
    assert terminal.run("verify", "again").returncode == 0


def test_b52_a_replay_takes_models_and_cells_from_the_configuration(terminal: Terminal) -> None:
    source = saved(terminal, recorded(acted(10, "echo one", "one\n"), end="message"))
    model = terminal.script(FINISH)[1]
    config = terminal.folder / "config.toml"
    config.write_text(f'ipython = true\n[models.small]\nmodel = "{model}"\n', encoding="utf-8")

    replayed(terminal, source, "--model", "small", "--config", str(config), code=3)

    settings = terminal.records("again")[0]["data"]["settings"]
    assert (settings["model"], settings["ipython"]) == (model, True)
    assert terminal.run("say", "again", "go on").returncode == 0
    assert terminal.shown("again")["status"] == "finished"


def test_b52_a_session_of_ours_is_carried_out_again_through_every_form_that_we_export(
    terminal: Terminal,
) -> None:
    model = terminal.script(bash("echo one > a; cat a"), bash("false"), FINISH)
    assert terminal.run("run", "--session", "s", *model, "go").returncode == 0

    for form in ("openhands", "atif", "jsonl"):
        done = terminal.run("export", "s", "--format", form)
        (terminal.folder / f"{form}.export").write_text(done.stdout, encoding="utf-8")
        name = f"from-{form}"
        assert (
            terminal.run("import", str(terminal.folder / f"{form}.export"), "--session", name).returncode == 0
        )
        again = terminal.run("replay", name, "--sandbox", "local", "--session", f"again-{form}", "--json")
        report = json.loads(again.stdout.splitlines()[-1])
        assert (again.returncode, report["status"], report["drift"]) == (0, "finished", []), form
        assert report["actions"] == 3
    document = json.loads((terminal.folder / "atif.export").read_text(encoding="utf-8"))
    assert atif.Trajectory.model_validate(document).final_metrics is not None


def test_b53_each_difference_is_reported_and_strict_stops_at_the_first(terminal: Terminal) -> None:
    source = saved(
        terminal,
        recorded(
            acted(10, "echo same", "same\n"),
            acted(20, "echo other; false", "recorded\n", 0),
            acted(30, "echo third", "recorded\n"),
        ),
    )

    report = replayed(terminal, source, code=1)

    assert (report["status"], report["actions"]) == ("finished", 4)
    fields = [(drift["field"], drift["expected"], drift["found"]) for drift in report["drift"]]
    assert [field for field, _, _ in fields] == ["exit_code", "content", "content"]
    assert fields[0] == ("exit_code", 0, 1)
    versions = {drift["version"] for drift in report["drift"]}
    kinds = {record["version"]: record["type"] for record in terminal.records("again")}
    assert {kinds[version] for version in versions} == {"ActionProposed"}

    strict = terminal.run("replay", source, "--sandbox", "local", "--session", "strict", "--strict")
    assert strict.returncode == 1
    assert "2 actions carried out again, 2 differences, now error" in strict.stderr
    assert "recorded: 0" in strict.stderr
    assert len(terminal.observations("strict")) == 2


SWE_AGENT: Json = {
    "environment": "main",
    "history": [
        {"role": "system", "content": "You are", "agent": "main"},
        {"role": "user", "content": "count", "agent": "main"},
    ],
    "trajectory": [
        {"action": "echo one\n", "observation": "one\n", "response": "", "state": {}, "query": [{}]},
        {"action": "open a.py", "observation": "[File]", "response": "", "thought": "", "state": {}},
        {"action": "submit", "observation": "diff", "response": "", "thought": "", "state": {}},
    ],
    "info": {"exit_status": "submitted"},
}  # fmt: skip
MINI_SWE_AGENT: Json = {
    "trajectory_format": "mini-swe-agent-1.1",
    "info": {"exit_status": "Submitted"},
    "messages": [
        {"role": "system", "content": "You are"},
        {"role": "user", "content": "count"},
        {
            "role": "assistant",
            "content": "",
            "extra": {"actions": [{"command": "mkdir d; cd d; X=1", "tool_call_id": "a"}]},
        },
        {"role": "tool", "tool_call_id": "a", "content": "", "extra": {"raw_output": "", "returncode": 0}},
        {
            "role": "assistant",
            "content": "",
            "extra": {"actions": [{"command": "echo $X; ls", "tool_call_id": "b"}]},
        },
        {
            "role": "tool",
            "tool_call_id": "b",
            "content": "",
            "extra": {"raw_output": "\nd\n", "returncode": 0},
        },
        {"role": "exit", "content": "diff", "extra": {"exit_status": "Submitted", "submission": "diff"}},
    ],
}
ATIF: Json = {
    "schema_version": "ATIF-v1.2",
    "agent": {"name": "x", "version": "1"},
    "steps": [
        {"step_id": 1, "source": "user", "message": "count"},
        {
            "step_id": 2,
            "source": "agent",
            "message": "",
            "tool_calls": [
                {"tool_call_id": "a", "function_name": "bash", "arguments": {"command": "echo one"}}
            ],
            "observation": {"results": [{"source_call_id": "a", "content": "one\n"}]},
        },
    ],
}


class Expected(NamedTuple):
    """What a replay comes to, and what an import says that it left out."""

    actions: int
    status: str
    code: int
    loss: str | None = None
    drift: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (SWE_AGENT, Expected(3, "finished", 1, "the messages that a model was shown", ("kind", "content"))),
        (MINI_SWE_AGENT, Expected(3, "finished", 0)),
        (ATIF, Expected(1, "awaiting_user_input", 3)),
    ],
    ids=["SWE-agent", "mini-swe-agent", "ATIF"],
)
def test_trajectories_of_others_are_carried_out_as_far_as_they_can_be(
    terminal: Terminal, document: Json, expected: Expected
) -> None:
    loss = expected.loss
    source = saved(terminal, document)
    done = terminal.run("import", source, "--session", "theirs", "--json")
    assert done.returncode == 0
    assert done.stderr == ("" if loss is None else f"kept, but no part of session theirs: {loss}\n")
    assert json.loads(done.stdout).get("losses", []) == ([] if loss is None else [loss])

    report = replayed(terminal, "theirs", code=expected.code)

    assert (report["actions"], report["status"]) == (expected.actions, expected.status)
    assert tuple(each["field"] for each in report["drift"]) == expected.drift


def test_what_is_exported_from_an_import_is_what_came_in(terminal: Terminal) -> None:
    events = recorded(acted(10, "echo one", "one\n"))
    for document, form in ((events, "openhands"), (ATIF, "atif")):
        assert terminal.run("import", saved(terminal, document), "--session", form).returncode == 0
        assert json.loads(terminal.run("export", form, "--format", form).stdout) == document


def test_the_forms_are_listed_where_people_look(terminal: Terminal) -> None:
    imports = " ".join(terminal.run("import", "--help").stdout.split())
    exports = " ".join(terminal.run("export", "--help").stdout.split())
    assert all(form in imports for form in ("OpenHands", "ATIF", "SWE-agent", "mini-swe-agent"))
    assert all(form in exports for form in ("openhands", "atif", "jsonl"))
    page = (Path(__file__).parents[2] / "docs" / "trajectories.md").read_text(encoding="utf-8")
    assert all(form in page for form in ("OpenHands", "ATIF", "SWE-agent", "mini-swe-agent", "jsonl"))
