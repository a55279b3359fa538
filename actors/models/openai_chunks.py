"""A streamed chat completion, put together again."""

from collections.abc import Mapping
from typing import Any, cast

from refold.actors.models.completion import answer_of
from refold.actors.models.wire import StreamEnded
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.settings import Price

type Json = Mapping[str, Any]


class Call:
    def __init__(self, id_: str) -> None:
        self.id = id_
        self.name = ""
        self.arguments: list[str] = []


class Chunks:
    """Chunks put together again to the whole completion that an unstreamed call would have returned."""

    def __init__(self) -> None:
        self.finish_reason = ""
        self._texts: dict[str, list[str]] = {"content": [], "reasoning_content": [], "refusal": []}
        self._calls: list[Call] = []
        self._by_index: dict[int, Call] = {}
        self._envelope: dict[str, Any] = {}

    @property
    def seen(self) -> str:
        """What has arrived so far, calls as the model began to write them."""
        calls = [f"{call.name}({''.join(call.arguments)}" for call in self._calls]
        return "".join(self._texts["reasoning_content"] + self._texts["content"] + calls)

    def add(self, chunk: Json) -> str:
        """Take in a chunk and return the text that it brought."""
        for key in ("id", "model", "usage"):
            if chunk.get(key):
                self._envelope[key] = chunk[key]
        text = ""
        for choice in cast("list[Json]", chunk.get("choices") or []):
            delta = cast("Json", choice.get("delta") or {})
            reasoning = delta.get("reasoning_content") or delta.get("reasoning")
            given = {**delta, "reasoning_content": reasoning}
            for key, parts in self._texts.items():
                part = given.get(key)
                parts.extend([part] if isinstance(part, str) else [])
            text += delta.get("content") or ""
            for call in cast("list[Json]", delta.get("tool_calls") or []):
                self._add_call(call)
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        return text

    def answer(self, model: str, price: Price | None, latency_ns: int) -> ModelAnswered | ModelFailed:
        """Return the whole; raise `StreamEnded` when the end never came."""
        completion = self._completion()
        if self.finish_reason == "content_filter" and not self.seen:
            return ModelFailed(fault="content_policy", message="the provider filtered the whole answer")
        return answer_of(completion, model=model, price=price, latency_ns=latency_ns)

    def _completion(self) -> Json:
        if not self.finish_reason:
            raise StreamEnded("the stream ended before the answer did")
        calls = [
            {"id": call.id, "function": {"name": call.name, "arguments": "".join(call.arguments)}}
            for call in self._calls
        ]
        message = {key: "".join(parts) for key, parts in self._texts.items()} | {"tool_calls": calls}
        return {**self._envelope, "choices": [{"message": message, "finish_reason": self.finish_reason}]}

    def _add_call(self, delta: Json) -> None:
        """Add to the call at the delta's index; some servers give every call of an answer the same one."""
        index = delta.get("index") or 0
        call = self._by_index.get(index)
        id_ = delta.get("id") or ""
        if call is None or (id_ and call.id and id_ != call.id):
            call = Call(id_)
            self._calls.append(call)
            self._by_index[index] = call
        function = cast("Json", delta.get("function") or {})
        call.id = call.id or id_
        call.name += function.get("name") or ""
        call.arguments.append(function.get("arguments") or "")
