"""From the canonical messages to the Anthropic shape, and nothing that its server would refuse."""

from typing import Any

from refold.actors.models.anthropic_translation import messages_to_wire, tools_to_wire
from refold.actors.tools.toolbox import TOOLS
from refold.projections.request import Message

THINKING = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
CACHED = {"cache_control": {"type": "ephemeral"}}


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def calling(*ids: str, content: str = "", **details: Any) -> Message:  # noqa: ANN401 - JSON
    function = {"name": "execute_bash", "arguments": '{"command": "ls"}'}
    calls = [{"id": id_, "type": "function", "function": function} for id_ in ids]
    more = {"details": {"anthropic": details}} if details else {}
    return {"role": "assistant", "content": content, "tool_calls": calls, **more}


def result(id_: str, text: str = "out") -> Message:
    return {"role": "tool", "tool_call_id": id_, "content": text}


def wire(*messages: Message, reasoning_of: str | None = "m") -> list[Message]:
    return messages_to_wire(messages, reasoning_of=reasoning_of)[1]


def used(id_: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": "execute_bash", "input": {"command": "ls"}}


def test_the_system_message_stands_apart_and_neighbours_of_one_role_become_one() -> None:
    system, messages = messages_to_wire(
        ({"role": "system", "content": "Be good."}, user("one"), user("two")), reasoning_of="m"
    )
    assert system == "Be good."
    assert messages == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"} | CACHED],
        }
    ]


def test_calls_and_results_become_blocks() -> None:
    assert wire(user("go"), calling("c1", content="So."), result("c1", ""), user("well?"))[1:] == [
        {"role": "assistant", "content": [{"type": "text", "text": "So."}, used("c1")]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "[no output]"},
                {"type": "text", "text": "well?"} | CACHED,
            ],
        },
    ]


def test_ids_that_come_again_or_that_the_wire_refuses_are_told_apart() -> None:
    messages = wire(user("go"), calling("c:1"), result("c:1"), calling("c:1"), result("c:1"))
    assert [message["content"][0].get("id") for message in messages] == [None, "c_1", None, "c_1_2", None]
    assert [message["content"][0].get("tool_use_id") for message in messages[2::2]] == ["c_1", "c_1_2"]


def test_what_is_empty_is_left_out_and_the_user_begins() -> None:
    messages = wire(
        {"role": "assistant", "content": "Hello"}, user(" "), {"role": "assistant", "content": ""}
    )
    assert [message["role"] for message in messages] == ["user", "assistant"]
    assert wire()[0]["role"] == "user"


def test_reasoning_goes_back_in_its_place_to_the_model_that_signed_it() -> None:
    parts = [{"type": "text", "text": "a"}, THINKING, {"type": "tool_use", "call": 0}]
    turn = calling("c1", content="a", model="m", blocks=parts)
    blocks = [{"type": "text", "text": "a"}, THINKING, used("c1")]
    assert wire(user("go"), turn, result("c1"))[1]["content"] == blocks
    for other in ("another", None):
        without = wire(user("go"), turn, result("c1"), reasoning_of=other)[1]["content"]
        assert without == [blocks[0], blocks[2]]


def test_tools_keep_their_schemas() -> None:
    (bash, *others) = tools_to_wire(TOOLS)
    assert bash["name"] == "execute_bash"
    assert bash["input_schema"]["required"] == ["command"]
    assert len(others) == len(TOOLS) - 1
