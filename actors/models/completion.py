"""An OpenAI `chat.completion` object, read into the event that every provider's answer becomes.

Read leniently: what servers leave out, add or misname is no reason to lose an answer. What the *model* got
wrong (an unknown tool, broken arguments) is kept as it is: that is for the decider to refuse.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from refold.actors.models.cost import cost_usd
from refold.eventlog.events import ModelAnswered, ToolCall
from refold.eventlog.settings import Price
from refold.eventlog.usage import Usage

type Json = Mapping[str, Any]


def answer_of(completion: Json, *, model: str, price: Price | None, latency_ns: int = 0) -> ModelAnswered:
    """Return the answer in `completion`; one without any choice is an empty answer.

    `model` is what was asked, for servers that do not name what answered.
    """
    choice = _first(completion.get("choices"))
    message = _object(choice.get("message"))
    usage = usage_of(_object(completion.get("usage")))
    provided = _number(_object(completion.get("usage")).get("cost"))
    return ModelAnswered(
        model=_text(completion.get("model")) or model,
        content=_text(message.get("content")) or _text(message.get("refusal")),
        reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")),
        tool_calls=_calls(message),
        finish_reason=_text(choice.get("finish_reason")),
        usage=usage,
        cost_usd=cost_usd(usage, price) if provided is None or price is not None else provided,
        latency_ns=latency_ns,
        response_id=_text(completion.get("id")),
    )


def usage_of(usage: Json) -> Usage:
    """Return the token counts, wherever the server put the details."""
    prompt = _object(usage.get("prompt_tokens_details"))
    completion = _object(usage.get("completion_tokens_details"))
    return Usage(
        prompt=_count(usage.get("prompt_tokens")),
        completion=_count(usage.get("completion_tokens")),
        cached=_count(prompt.get("cached_tokens")) or _count(usage.get("cache_read_input_tokens")),
        cache_written=_count(usage.get("cache_creation_input_tokens")),
        reasoning=_count(completion.get("reasoning_tokens")),
    )


def unique_calls(calls: Sequence[tuple[str, str, str]]) -> tuple[ToolCall, ...]:
    """Return (id, name, arguments) as calls whose ids are all there and all different."""
    seen: set[str] = set()
    unique: list[ToolCall] = []
    for index, (id_, name, arguments) in enumerate(calls):
        wanted = id_ or f"call_{index}"
        while wanted in seen:
            wanted = f"{wanted}_{index}"
        seen.add(wanted)
        unique.append(ToolCall(id=wanted, name=name, arguments=arguments))
    return tuple(unique)


def _calls(message: Json) -> tuple[ToolCall, ...]:
    calls = [
        (_text(call.get("id")), *_function(call.get("function")))
        for call in map(_object, _list(message.get("tool_calls")))
    ]
    if not calls and isinstance(message.get("function_call"), Mapping):
        calls.append(("", *_function(message["function_call"])))
    return unique_calls(calls)


def _function(value: object) -> tuple[str, str]:
    function = _object(value)
    return _text(function.get("name")), _arguments(function.get("arguments"))


def _arguments(value: object) -> str:
    """Return arguments as text; some servers send the object itself."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _text(value: object) -> str:
    """Return text, joined where a server sends it in parts."""
    if isinstance(value, str):
        return value
    parts = (_object(part) for part in _list(value))
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _count(value: object) -> int:
    number = _number(value)
    return 0 if number is None else max(0, int(number))


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    return None


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def _first(value: object) -> Json:
    choices = _list(value)
    return _object(choices[0]) if choices else {}
