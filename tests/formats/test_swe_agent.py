"""What SWE-agent and mini-swe-agent save becomes actions and observations; what does not is said and kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from refold.eventlog.actions import Action, Edit, Finish, Message, Other, Read, Run
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    Event,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    SessionImported,
    SystemMessageAdded,
)
from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.stream import Stream, to_stream
from refold.eventlog.formats.trajectory import TrajectoryUnreadable
from refold.eventlog.observations import (
    FileContent,
    FileEdited,
    Finished,
    Observation,
    OtherObservation,
    RunOutput,
)
from refold.projections.render import Renderer
from tests.formats.streams import committed

Json = dict[str, Any]


def stream(folder: Path, document: object) -> Stream:
    file = folder / "some.traj"
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return to_stream(read_trajectory(file))


def head(made: Stream) -> SessionImported:
    first = made.events[0]
    assert isinstance(first, SessionImported)
    return first


def actions(made: Stream) -> list[Action]:
    return [event.action for event in made.events if isinstance(event, ActionProposed)]


def answers(made: Stream) -> list[Observation]:
    return [event.observation for event in made.events if isinstance(event, ObservationRecorded)]


# SWE-agent --------------------------------------------------------------------------------------------


def step(action: str, observation: str = "", **more: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a step as newer versions save it."""
    made: Json = {"action": action, "observation": observation, "response": "r", "thought": "t"}
    return made | {"state": {"working_dir": "/repo"}, "execution_time": 0.5, "extra_info": {}} | more


HISTORY: list[Json] = [
    {"role": "system", "content": "You fix bugs.", "agent": "main", "message_type": "system_prompt"},
    {"role": "user", "content": "An example", "agent": "main", "is_demo": True},
    {"role": "user", "content": [{"type": "text", "text": "Fix it."}], "agent": "main"},
    {"role": "assistant", "content": "r", "thought": "t", "action": "ls", "agent": "main"},
    {"role": "user", "content": "a.py", "agent": "main"},
]


def saved(*steps: Json, **more: Any) -> Json:  # noqa: ANN401 - JSON
    info = {"exit_status": "submitted", "submission": "diff"}
    return {"trajectory": list(steps), "history": HISTORY, "info": info, "environment": "main", **more}


def test_a_step_of_swe_agent_is_an_action_and_what_came_of_it(tmp_path: Path) -> None:
    made = stream(tmp_path, saved(step("ls\n", "a.py\n"), step("submit", "diff")))

    assert [type(event) for event in made.events] == [
        SessionImported,
        SystemMessageAdded,
        MessageReceived,
        ActionProposed,
        ObservationRecorded,
        ActionProposed,
        ObservationRecorded,
    ]
    assert (head(made).format, head(made).events, head(made).status) == ("swe-agent", 6, "finished")
    assert [e.content for e in made.events if isinstance(e, SystemMessageAdded | MessageReceived)] == [
        "You fix bugs.",
        "Fix it.",
    ]
    assert actions(made) == [Run(command="ls", thought="t"), Finish(thought="t")]
    assert answers(made) == [
        RunOutput(content="a.py\n", exit_code=None, command="ls", directory="/repo"),
        Finished(content="diff"),
    ]
    assert [event.cause for event in made.events if isinstance(event, ObservationRecorded)] == [3, 5]


EDITOR = "str_replace_editor"
COMMANDS: list[tuple[str, Action, Observation]] = [
    (
        f"{EDITOR} view /repo/a.py --view_range 1 9",
        Read(path="/repo/a.py", view_range=(1, 9), thought="t"),
        FileContent(content="o", path="/repo/a.py"),
    ),
    (
        f"{EDITOR} create /repo/b.py --file_text 'x = 1\n'",
        Edit(command="create", path="/repo/b.py", file_text="x = 1\n", thought="t"),
        FileEdited(content="o", path="/repo/b.py"),
    ),
    (
        f"{EDITOR} str_replace /repo/b.py --old_str 'x = 1' --new_str 'x = --y'",
        Edit(command="str_replace", path="/repo/b.py", old_str="x = 1", new_str="x = --y", thought="t"),
        FileEdited(content="o", path="/repo/b.py"),
    ),
    (
        f"{EDITOR} insert /repo/b.py --insert_line 3 --new_str 'y'",
        Edit(command="insert", path="/repo/b.py", insert_line=3, new_str="y", thought="t"),
        FileEdited(content="o", path="/repo/b.py"),
    ),
    (
        f"{EDITOR} create '/repo/b.py",
        Other(name=EDITOR, arguments={"text": f"{EDITOR} create '/repo/b.py"}, thought="t"),
        OtherObservation(content="o", name=EDITOR),
    ),
    (
        "edit 1:2\nx = 1\nend_of_edit",
        Other(name="edit", arguments={"command": "edit 1:2\nx = 1\nend_of_edit"}, thought="t"),
        OtherObservation(content="o", name="edit"),
    ),
    (
        "editor --version",
        Run(command="editor --version", thought="t"),
        RunOutput(content="o", exit_code=None, command="editor --version", directory="/repo"),
    ),
    (
        "exit_code=3; echo $exit_code",
        Run(command="exit_code=3; echo $exit_code", thought="t"),
        RunOutput(content="o", exit_code=None, command="exit_code=3; echo $exit_code", directory="/repo"),
    ),
]


@pytest.mark.parametrize(("command", "action", "answer"), COMMANDS)
def test_a_command_of_swe_agent_is_what_it_means(
    tmp_path: Path, command: str, action: Action, answer: Observation
) -> None:
    made = stream(tmp_path, saved(step(command, "o")))

    assert (actions(made), answers(made)) == ([action], [answer])


def test_a_run_that_ended_itself_is_in_error(tmp_path: Path) -> None:
    made = stream(tmp_path, saved(step("ls", "a"), step("exit_cost", "Exited")))

    end = made.events[-1]
    assert isinstance(end, AgentStateChanged)
    assert (end.state, end.reason) == ("error", "the recorded run ended itself: exit_cost")
    assert head(made).status == "error"


def test_a_step_without_an_action_is_what_the_agent_said(tmp_path: Path) -> None:
    made = stream(tmp_path, saved(step("", "format!", thought="", response="I wonder")))

    assert actions(made) == [Message(content="I wonder", waits=False)]
    assert isinstance(made.events[-1], ForeignRecorded)
    assert "an answer to what was no action" in made.losses


def test_older_files_hold_the_state_as_text(tmp_path: Path) -> None:
    older = {"action": "pwd\n", "observation": "/r\n", "response": "", "thought": ""}
    state = json.dumps({"working_dir": "/r", "open_file": "n/a"}) + "\n"

    made = stream(tmp_path, {"environment": "x", "trajectory": [older | {"state": state}]})

    assert answers(made) == [RunOutput(content="/r\n", exit_code=None, command="pwd", directory="/r")]
    assert len(answers(stream(tmp_path, {"trajectory": [older | {"state": "{no"}]}))) == 1


def test_what_swe_agent_saved_besides_is_kept_and_said(tmp_path: Path) -> None:
    document = saved(step("ls", "a", query=[{"role": "user"}]), step("ls", "a", query=[{}]), attempts=[1, 2])

    made = stream(tmp_path, document)

    assert made.losses == (
        "a message of a demonstration",
        "the messages that a model was shown (2 times)",
        "an attempt beside the chosen one",
    )
    around = json.loads(head(made).envelope or "")
    steps = [json.loads(e.foreign or "") for e in made.events if isinstance(e, ActionProposed)]
    assert around["rest"] | {around["key"]: steps} == document


def test_what_was_imported_from_swe_agent_can_be_passed_on_as_records(tmp_path: Path) -> None:
    made = stream(tmp_path, saved(step("ls", "a"), step("exit_cost", "")))
    renderer = Renderer()

    again = stream(tmp_path, "\n".join(renderer.line(record) for record in committed(made.events)))

    assert again.events[1:] == made.events[1:]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (saved(step("ls"), {"thought": "x", "observation": ""}), "step 1 (observation ''): a step without"),
        (saved(step("ls"), 3), "step 1: not an object but int"),  # type: ignore[arg-type] # wrong on purpose
        ({"messages": [{"role": "user"}, {"content": "x"}]}, "message 1: a message without 'role' or 'type'"),
        ({"messages": []}, "it holds no messages"),
    ],
)
def test_what_is_neither_is_refused_by_name(tmp_path: Path, document: Json, said: str) -> None:
    with pytest.raises(TrajectoryUnreadable) as refused:
        stream(tmp_path, document)

    assert said in str(refused.value)


# mini-swe-agent ---------------------------------------------------------------------------------------


def chat(*messages: Json) -> Json:
    first = [{"role": "system", "content": "You help."}, {"role": "user", "content": "Fix it."}]
    return {
        "info": {"mini_version": "2.0.0", "exit_status": "Submitted"},
        "messages": [*first, *messages],
        "trajectory_format": "mini-swe-agent-1.1",
    }


def wants(*commands: str, **more: Any) -> Json:  # noqa: ANN401 - JSON
    """Return an answer with tool calls, as the second version saves it."""
    made = [{"command": command, "tool_call_id": f"c{n}"} for n, command in enumerate(commands)]
    extra: Json = {"actions": made, "cost": 0.1, "timestamp": 1.5, "response": {}}
    return {"role": "assistant", "content": "Now.", "tool_calls": [], "extra": extra, **more}


def printed(call: str, output: str, code: int = 0) -> Json:
    content = f"<returncode>{code}</returncode>\n<output>\n{output}</output>"
    extra: Json = {"raw_output": output, "returncode": code, "timestamp": 2.5}
    return {"role": "tool", "tool_call_id": call, "content": content, "extra": extra}


SUBMITTED: Json = {
    "role": "exit",
    "content": "diff",
    "extra": {"exit_status": "Submitted", "submission": "diff"},
}


def test_each_command_of_mini_swe_agent_has_a_shell_of_its_own(tmp_path: Path) -> None:
    made = stream(
        tmp_path,
        chat(wants("cd /; false", "pwd"), printed("c1", "/w\n"), printed("c0", "", 1), SUBMITTED),
    )

    assert actions(made) == [
        Run(command="(\ncd /; false\n)", thought="Now."),
        Run(command="(\npwd\n)"),
        Finish(message="diff"),
    ]
    assert answers(made) == [RunOutput(content="/w\n", exit_code=0), RunOutput(content="", exit_code=1)]
    assert [(e.cause, e.tool_call_id) for e in made.events if isinstance(e, ObservationRecorded)] == [
        (4, "c1"),
        (3, "c0"),
    ]
    assert (head(made).format, head(made).status) == ("mini-swe-agent", "finished")
    assert made.losses == ("the whole response of a model",)


def test_the_first_version_says_its_commands_in_words(tmp_path: Path) -> None:
    answer = {"role": "assistant", "content": "Look:\n```bash\nls -a\n```\nso"}
    output = {"role": "user", "content": "<returncode>2</returncode>\n<output>\nnothing\n</output>"}
    end = {"role": "user", "content": "done", "extra": {"exit_status": "Submitted"}}

    made = stream(tmp_path, [*chat(answer, output, end)["messages"]])

    assert actions(made) == [
        Run(command="(\nls -a\n)", thought="Look:\n```bash\nls -a\n```\nso"),
        Finish(message="done"),
    ]
    assert answers(made) == [RunOutput(content="nothing\n", exit_code=2)]
    assert head(made).envelope is None


def test_people_remarks_and_strangers_in_a_chat(tmp_path: Path) -> None:
    remark = {"role": "user", "content": "one command!", "extra": {"interrupt_type": "FormatError"}}
    person = {"role": "user", "content": "stop that", "extra": {"interrupt_type": "UserInterruption"}}
    stranger = {"role": "developer", "content": "?"}

    made = stream(tmp_path, chat({"role": "assistant", "content": "Hm."}, remark, person, stranger))

    assert actions(made) == [Message(content="Hm.", waits=False)]
    said = [event.content for event in made.events if isinstance(event, MessageReceived)]
    assert said == ["Fix it.", "stop that"]
    assert [event.name for event in made.events if isinstance(event, ForeignRecorded)] == [
        "format_error",
        "developer",
    ]
    assert made.losses == ("a remark on the form of an answer", "a message of the kind developer")


def test_answers_of_the_other_endpoint_are_understood(tmp_path: Path) -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "So."}]}]
    extra = {"actions": [{"command": "ls", "tool_call_id": "c0"}]}
    result = {"type": "function_call_output", "call_id": "c0", "output": "a", "extra": {"returncode": 0}}

    made = stream(tmp_path, chat({"object": "response", "output": output, "extra": extra}, result))

    assert actions(made) == [Run(command="(\nls\n)", thought="So.")]
    assert answers(made) == [RunOutput(content="a", exit_code=0)]


def test_a_chat_that_was_ended_is_in_error(tmp_path: Path) -> None:
    made = stream(tmp_path, chat(wants("ls"), {"role": "exit", "extra": {"exit_status": "LimitsExceeded"}}))

    assert head(made).status == "error"
    assert len(answers(made)) == 0


def test_a_chat_is_kept_as_it_was(tmp_path: Path) -> None:
    document = chat(wants("ls"), printed("c0", "a"), SUBMITTED)
    made = stream(tmp_path, document)

    kept = [json.loads(event.foreign or "") for event in made.events[1:]]
    around = json.loads(head(made).envelope or "")

    assert around["rest"] | {around["key"]: kept} == document
    renderer = Renderer()
    again = stream(tmp_path, "\n".join(renderer.line(record) for record in committed(made.events)))
    assert again.events[1:] == made.events[1:]


def test_several_commands_of_one_answer_say_where_they_stand(tmp_path: Path) -> None:
    first, second = (e for e in stream(tmp_path, chat(wants("a", "b"))).events if _is_action(e))

    assert json.loads(first.foreign or "")["role"] == "assistant"
    assert json.loads(second.foreign or "") == {"part_of": 3, "at": "extra.actions[1]"}


def _is_action(event: Event) -> bool:
    return isinstance(event, ActionProposed)
