"""From what models write to what they mean: leniently, losing nothing, refusing only what is no action."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actors.tools.prompt import system_prompt
from refold.actors.tools.toolbox import TOOL_NAMES, TOOLS, Proposal, Refusal, read_answer, read_call
from refold.eventlog.actions import Action, Edit, Finish, Message, Read, Run, Think
from refold.eventlog.events import ModelAnswered, ToolCall
from refold.projections.calls import call_of


def reading(name: str, arguments: object, thought: str = "") -> Action | Refusal:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return read_call(ToolCall(id="c1", name=name, arguments=text), thought)


@pytest.mark.parametrize(
    ("arguments", "action"),
    [
        ({"command": "ls"}, Run(command="ls")),
        ({"command": ""}, Run(command="")),
        ({"command": "C-c", "is_input": True}, Run(command="C-c", is_input=True)),
        ({"command": "y", "is_input": "true"}, Run(command="y", is_input=True)),
        ({"command": "y", "is_input": "False"}, Run(command="y")),
        ({"command": "y", "is_input": None}, Run(command="y")),
        ({"command": "ls", "timeout": "30"}, Run(command="ls", timeout=30.0)),
        ({"command": "ls", "timeout": 2.5}, Run(command="ls", timeout=2.5)),
        ({"command": "ls", "timeout": None}, Run(command="ls")),
        ({"command": "ls", "timeout": "soon"}, Run(command="ls", extra={"timeout": "soon"})),
        ({"command": ["echo", "a b"]}, Run(command="echo 'a b'")),
        ({"command": 7}, Run(command="7")),
        ({"command": "ls", "security_risk": "LOW"}, Run(command="ls", extra={"security_risk": "LOW"})),
        ('{"command": "a\nb"}', Run(command="a\nb")),
        (r'{"command": "\ud800x"}', Run(command="\ufffdx")),
        ('{"command": "ls", "n": NaN}', Run(command="ls", extra={"n": None})),
        ({"command": "ls", "n": 2**80}, Run(command="ls", extra={"n": str(2**80)})),
    ],
)
def test_a_command_is_read_as_it_was_meant(arguments: object, action: Action) -> None:
    assert reading("execute_bash", arguments) == action


@pytest.mark.parametrize(
    ("arguments", "action"),
    [
        ({"command": "view", "path": "a"}, Read(path="a")),
        ({"command": "view", "path": "a", "view_range": [1, -1]}, Read(path="a", view_range=(1, -1))),
        ({"command": "view", "path": "a", "view_range": "[1, 5]"}, Read(path="a", view_range=(1, 5))),
        ({"command": "view", "path": "a", "view_range": ["1", "5"]}, Read(path="a", view_range=(1, 5))),
        ({"command": "view", "path": "a", "view_range": []}, Read(path="a")),
        ({"command": "view", "path": "a", "view_range": None}, Read(path="a")),
        ({"command": "view", "path": "a", "view_range": "all"}, Read(path="a", extra={"view_range": "all"})),
        ({"command": "create", "path": "a"}, Edit(command="create", path="a")),
        ({"command": "str_replace", "path": "a"}, Edit(command="str_replace", path="a")),
        ({"command": "undo_edit", "path": "a"}, Edit(command="undo_edit", path="a")),
        (
            {"command": "insert", "path": "a", "insert_line": "3", "new_str": "x"},
            Edit(command="insert", path="a", insert_line=3, new_str="x"),
        ),
        (
            {"command": "create", "path": "a.json", "file_text": {"k": 1}},
            Edit(command="create", path="a.json", file_text='{"k":1}'),
        ),
    ],
)
def test_an_edit_is_read_as_it_was_meant(arguments: object, action: Action) -> None:
    assert reading("str_replace_editor", arguments) == action


def test_to_finish_needs_no_message() -> None:
    assert reading("finish", {}) == Finish()
    assert reading("finish", "") == Finish()
    wanted = {"message": "done", "task_completed": "true"}
    assert reading("finish", wanted) == Finish(message="done", extra={"task_completed": "true"})


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("python", {}, "There is no tool 'python'"),
        ("execute_bash", "[1]", "must be one JSON object"),
        ("execute_bash", '{"command": "ls', "must be one JSON object"),
        ("execute_bash", '"ls"', "must be one JSON object"),
        ("execute_bash", "[" * 100_000, "must be one JSON object"),
        ("execute_bash", {}, "needs a `command`"),
        ("execute_bash", {"command": None}, "needs a `command`"),
        ("str_replace_editor", {"path": "a"}, "needs a `command`"),
        ("str_replace_editor", {"command": "delete", "path": "a"}, "needs a `command`, one of: view"),
        ("str_replace_editor", {"command": "view"}, "needs a `path`"),
        ("think", {}, "needs a `thought`"),
    ],
)
def test_only_what_is_no_action_is_refused(name: str, arguments: object, reason: str) -> None:
    refusal = reading(name, arguments)
    assert isinstance(refusal, Refusal)
    assert refusal.tool_call_id == "c1"
    assert reason in refusal.reason


def calls(*named: tuple[str, Any]) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(id=f"c{index}", name=name, arguments=json.dumps(arguments))
        for index, (name, arguments) in enumerate(named)
    )


def test_text_without_calls_is_a_message() -> None:
    answer = ModelAnswered(model="m", content="What do you mean?")
    assert read_answer(answer) == (Proposal(action=Message(content="What do you mean?")),)


@pytest.mark.parametrize("content", ["", "  \n"])
def test_an_answer_with_nothing_in_it_is_refused_as_a_whole(content: str) -> None:
    (refusal,) = read_answer(ModelAnswered(model="m", content=content))
    assert isinstance(refusal, Refusal)
    assert refusal.tool_call_id is None


def test_text_beside_calls_is_the_thought_of_the_first_action() -> None:
    tools = calls(("nothing", {}), ("execute_bash", {"command": "ls"}), ("finish", {}))
    first, *others = read_answer(ModelAnswered(model="m", content="So.", tool_calls=tools))
    assert isinstance(first, Refusal)
    assert others == [
        Proposal(action=Run(command="ls", thought="So."), tool_call_id="c1"),
        Proposal(action=Finish(), tool_call_id="c2"),
    ]


def test_a_thought_keeps_the_text_beside_it() -> None:
    tools = calls(("think", {"thought": "b"}))
    (proposal,) = read_answer(ModelAnswered(model="m", content="a", tool_calls=tools))
    assert proposal == Proposal(action=Think(thought="a\nb"), tool_call_id="c0")


def test_a_call_cut_off_is_told_why() -> None:
    broken = ToolCall(id="c", name="execute_bash", arguments='{"command": "l')
    (refusal,) = read_answer(ModelAnswered(model="m", tool_calls=(broken,), finish_reason="length"))
    assert isinstance(refusal, Refusal)
    assert "cut off" in refusal.reason


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
argument_names = st.sampled_from(
    ["command", "path", "thought", "message", "is_input", "timeout", "view_range", "insert_line", "old_str"]
)


@given(
    name=st.sampled_from(TOOL_NAMES),
    arguments=st.dictionaries(argument_names, json_values | st.sampled_from(["view", "create"])),
)
def test_whatever_the_arguments_are_an_action_comes_of_it_that_the_log_can_hold(
    name: str, arguments: dict[str, Any]
) -> None:
    action = reading(name, arguments)
    if isinstance(action, Refusal):
        assert " needs a `" in action.reason
        return
    for codec in (msgspec.json, msgspec.msgpack):
        assert codec.decode(codec.encode(action), type=Action) == action


@given(st.text())
def test_whatever_the_arguments_say_nothing_raises(text: str) -> None:
    for name in TOOL_NAMES:
        reading(name, text)


@given(
    st.builds(Run, command=st.text(), is_input=st.booleans(), timeout=st.none() | st.just(5.0))
    | st.builds(Read, path=st.text(), view_range=st.none() | st.just((1, 2)))
    | st.builds(Edit, command=st.just("insert"), path=st.text(), insert_line=st.none() | st.integers(0, 9))
    | st.builds(Think, thought=st.text())
    | st.builds(Finish, message=st.text())
)
def test_an_action_written_as_a_call_is_read_as_the_same_action(action: Action) -> None:
    called = call_of(action)
    assert called is not None
    name, arguments = called
    assert reading(name, arguments) == action


def test_every_tool_is_described_in_the_shape_that_models_are_shown() -> None:
    assert TOOL_NAMES == ("execute_bash", "str_replace_editor", "think", "finish")
    for tool in TOOLS:
        parameters = tool["function"]["parameters"]
        assert set(parameters["required"]) <= set(parameters["properties"])
        assert tool["function"]["description"]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(TOOLS))


def test_the_prompt_names_the_place_and_ends_with_what_is_added() -> None:
    prompt = system_prompt(place="/workspace", additions="Speak plainly.")
    assert "You work in /workspace." in prompt
    assert prompt.endswith("Speak plainly.")
    assert system_prompt() == system_prompt(additions=" ")
