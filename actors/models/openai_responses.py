"""The OpenAI responses wire, for models that take tools on no other; the provider keeps nothing of it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from refold.actors.models.completion import unique_calls
from refold.actors.models.cost import cost_usd
from refold.actors.models.wire import AnswerFailed, StreamEnded
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.settings import Price
from refold.eventlog.usage import Usage
from refold.projections.request import Message, Request

type Json = Mapping[str, Any]

_REFUSALS = frozenset({400, 404})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}


def asks_for_responses(error: Exception) -> bool:
    """Whether a server refuses a chat completion because it wants this wire instead."""
    return getattr(error, "status_code", None) in _REFUSALS and "v1/responses" in str(error)


def responses_arguments(request: Request, model: str) -> dict[str, Any]:
    """Return a request in the shape of this wire; reasoning is sealed and carried by ourselves."""
    arguments: dict[str, Any] = {
        **request.parameters,
        "model": model,
        "input": _input(request.messages, model),
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "stream": True,
    }
    system = "\n\n".join(message["content"] for message in request.messages if message["role"] == "system")
    if system:
        arguments["instructions"] = system
    if request.tools:
        arguments["tools"] = [
            {"type": "function", "strict": False, **tool["function"]} for tool in request.tools
        ]
    return arguments


def _input(messages: Sequence[Message], model: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for message in messages:
        match message["role"]:
            case "system":
                pass
            case "assistant":
                items += _turn(message, model)
            case "tool":
                output = {"call_id": message["tool_call_id"], "output": message["content"]}
                items.append({"type": "function_call_output", **output})
            case _:
                items.append({"role": "user", "content": message["content"]})
    return items


def _turn(message: Message, model: str) -> list[dict[str, Any]]:
    """Return a turn's items: in their own order where reasoning is among them, else text, then calls."""
    text: list[dict[str, Any]] = []
    if message["content"]:
        text.append({"role": "assistant", "content": message["content"]})
    calls: list[dict[str, Any]] = [
        {"type": "function_call", "call_id": call["id"], **call["function"]}
        for call in message.get("tool_calls", ())
    ]
    details = message.get("details", {}).get("openai", {})
    if details.get("model") != model:
        return text + calls
    items: list[dict[str, Any]] = []
    parts: list[dict[str, Any]] = details["items"]
    for part in parts:
        match part["type"]:
            case "call":
                items.append(calls[int(part["call"])])
            case "text":
                items.append({"role": "assistant", "content": part["text"]})
            case _:
                items.append(part)
    return items


class Responses:
    """Events of one response; the last one holds the whole."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self._response: Json | None = None

    @property
    def seen(self) -> str:
        return "".join(self._seen)

    def add(self, event: Json) -> str:
        """Take in an event and return the text that it brought."""
        kind, delta = event.get("type"), event.get("delta")
        if kind in _ENDS:
            self._response = cast("Json", event["response"])
        elif kind == "error":
            raise AnswerFailed(f"{event.get('message')} ({event.get('code')})")
        elif isinstance(delta, str):
            self._seen.append(delta)
        return delta if kind == "response.output_text.delta" and isinstance(delta, str) else ""

    def answer(self, model: str, price: Price | None, latency_ns: int) -> ModelAnswered | ModelFailed:
        """Return the whole; raise where the end never came, or said that it failed."""
        response = self._response
        if response is None:
            raise StreamEnded("the stream ended before the answer did")
        error: Json = response.get("error") or {}
        if error:
            raise AnswerFailed(f"{error.get('message')} ({error.get('code')})")
        output: list[Json] = response.get("output") or []
        calls = [item for item in output if item["type"] == "function_call"]
        incomplete: Json = response.get("incomplete_details") or {}
        reason = incomplete.get("reason") or ("tool_calls" if calls else "stop")
        usage = _usage(response.get("usage") or {})
        return ModelAnswered(
            model=response.get("model") or model,
            content="".join(_text(item) for item in output if item["type"] == "message"),
            reasoning="".join(_summary(item) for item in output if item["type"] == "reasoning"),
            tool_calls=unique_calls([(call["call_id"], call["name"], call["arguments"]) for call in calls]),
            finish_reason=_INCOMPLETE.get(reason, reason),
            usage=usage,
            cost_usd=cost_usd(usage, price),
            latency_ns=latency_ns,
            response_id=response.get("id") or "",
            details=_details(output, model),
        )


def _details(output: Sequence[Json], model: str) -> dict[str, Any]:
    """Return how the answer was put together, if it holds sealed reasoning: it must go back in its place."""
    parts: list[dict[str, Any]] = []
    calls = 0
    for item in output:
        match item["type"]:
            case "reasoning" if item.get("encrypted_content"):
                sealed = {key: item[key] for key in ("type", "id", "encrypted_content")}
                parts.append({**sealed, "summary": item.get("summary") or []})
            case "function_call":
                parts.append({"type": "call", "call": calls})
                calls += 1
            case "message" if _text(item):
                parts.append({"type": "text", "text": _text(item)})
            case _:
                pass
    is_sealed = any(part["type"] == "reasoning" for part in parts)
    return {"openai": {"model": model, "items": parts}} if is_sealed else {}


def _text(item: Json) -> str:
    parts: list[Json] = item.get("content") or []
    return "".join(part.get("text") or part.get("refusal") or "" for part in parts)


def _summary(item: Json) -> str:
    parts: list[Json] = item.get("summary") or []
    return "\n\n".join(part.get("text") or "" for part in parts)


def _usage(usage: Json) -> Usage:
    prompt: Json = usage.get("input_tokens_details") or {}
    completion: Json = usage.get("output_tokens_details") or {}
    return Usage(
        prompt=usage.get("input_tokens") or 0,
        completion=usage.get("output_tokens") or 0,
        cached=prompt.get("cached_tokens") or 0,
        cache_written=prompt.get("cache_write_tokens") or 0,
        reasoning=completion.get("reasoning_tokens") or 0,
    )
