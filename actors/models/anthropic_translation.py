"""The canonical messages in the Anthropic shape: system apart, calls and results as blocks of turns."""

import json
import re
from collections.abc import Sequence
from typing import Any

from refold.projections.request import Message

_ID_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_OPENING = "(The conversation begins with the assistant.)"


def tools_to_wire(tools: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    functions = (tool["function"] for tool in tools)
    return [
        {
            "name": function["name"],
            "description": function["description"],
            "input_schema": function["parameters"],
        }
        for function in functions
    ]


def messages_to_wire(messages: Sequence[Message], *, reasoning_of: str | None) -> tuple[str, list[Message]]:
    """Return the system text and the messages; neighbours of one role become one message.

    The first one is the user's and no text is empty, as the provider demands; ids of calls that occur again
    in a later turn are told apart. Signed reasoning goes back to the model that signed it, `reasoning_of`.
    The last block is where the provider may cache up to.
    """
    system = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    wire: list[Message] = []
    ids = _Ids()
    for message in messages:
        match message["role"]:
            case "system":
                continue
            case "assistant":
                role, blocks = "assistant", _assistant(message, ids, reasoning_of)
            case "tool":
                result = {"type": "tool_result", "tool_use_id": ids.answered(message["tool_call_id"])}
                role, blocks = "user", [result | {"content": message["content"] or "[no output]"}]
            case _:
                role, blocks = "user", _texts(message["content"])
        if not blocks:
            continue
        if wire and wire[-1]["role"] == role:
            wire[-1]["content"].extend(blocks)
        else:
            wire.append({"role": role, "content": blocks})
    if not wire or wire[0]["role"] != "user":
        wire.insert(0, {"role": "user", "content": _texts(_OPENING)})
    wire[-1]["content"][-1] = wire[-1]["content"][-1] | _cache_point(wire[-1]["content"][-1])
    return system, wire


class _Ids:
    """Gives each call an id that the wire accepts and no other call has."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._of_turn: dict[str, str] = {}

    def called(self, id_: str) -> str:
        wanted = base = _ID_UNSAFE.sub("_", id_) or "call"
        count = 1
        while wanted in self._used:
            count += 1
            wanted = f"{base}_{count}"
        self._used.add(wanted)
        self._of_turn[id_] = wanted
        return wanted

    def answered(self, id_: str) -> str:
        return self._of_turn[id_]


def _assistant(message: Message, ids: _Ids, reasoning_of: str | None) -> list[dict[str, Any]]:
    """Return a turn's blocks: in their own order where reasoning is among them, else text, then calls."""
    calls = [_call(call, ids) for call in message.get("tool_calls", ())]
    details: dict[str, Any] = message.get("details", {}).get("anthropic", {})
    if reasoning_of is None or details.get("model") != reasoning_of:
        return [*_texts(message["content"]), *calls]
    blocks: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = details["blocks"]
    for part in parts:
        if part["type"] == "tool_use":
            blocks.append(calls[int(part["call"])])
        else:
            blocks.extend(_texts(part["text"]) if part["type"] == "text" else [part])
    return blocks


def _call(call: dict[str, Any], ids: _Ids) -> dict[str, Any]:
    arguments = json.loads(call["function"]["arguments"], strict=False)
    name = call["function"]["name"]
    return {"type": "tool_use", "id": ids.called(call["id"]), "name": name, "input": arguments}


def _texts(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}] if text.strip() else []


def _cache_point(block: dict[str, Any]) -> dict[str, Any]:
    cacheable = block["type"] in ("text", "tool_result", "tool_use")
    return {"cache_control": {"type": "ephemeral"}} if cacheable else {}
