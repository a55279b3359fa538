"""The OpenAI wire: chat completions, streamed, from the provider itself or any server that speaks like it."""

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

from refold.actors.models.completion import answer_of
from refold.actors.models.port import OnGlimpse
from refold.actors.models.wire import CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S, Secret, StreamEnded, failure_of
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.settings import Price
from refold.projections.request import Message, Request

_BASE_URL = "https://api.openai.com/v1"
_NO_STREAM_OPTIONS = frozenset({400, 404, 422, 501})

type Json = Mapping[str, Any]


class OpenAIChatModel:
    """`openai/NAME`. The client is imported and made by the first call; it never tries again by itself."""

    def __init__(self, name: str, *, base_url: str | None, key: str, price: Price | None) -> None:
        self._name = name
        self._base_url = base_url or _BASE_URL
        self._secret = Secret(key)
        self._price = price
        self._lock = threading.Lock()
        self._client: Any = None
        self._counts_usage = True

    def __repr__(self) -> str:
        return f"OpenAIChatModel({self._name!r})"

    def ask(
        self, request: Request, *, script_line: int = 0, on_glimpse: OnGlimpse | None = None
    ) -> ModelAnswered | ModelFailed:
        del script_line  # a script's business only
        collected = _Collected()
        try:
            self._opened_client()  # before the clock starts: importing it takes longer than many an answer
            started = time.monotonic_ns()
            for chunk in self._chunks(request):
                text = collected.add(chunk)
                if text and on_glimpse is not None:
                    on_glimpse(text)
            completion = collected.completion()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is a fact about this call
            return failure_of(error, seen=collected.seen, secret=self._secret)
        if collected.finish_reason == "content_filter" and not collected.seen:
            return ModelFailed(fault="content_policy", message="the provider filtered the whole answer")
        latency_ns = time.monotonic_ns() - started
        return answer_of(completion, model=self._name, price=self._price, latency_ns=latency_ns)

    def _chunks(self, request: Request) -> Iterator[Json]:
        arguments: dict[str, Any] = {
            **request.parameters,
            "model": self._name,
            "messages": [_sent(message) for message in request.messages],
            "stream": True,
        }
        if request.tools:
            arguments["tools"] = list(request.tools)
        with self._opened(arguments) as stream:
            for chunk in stream:
                yield chunk.model_dump()

    def _opened(self, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - the client's stream, unimported
        """Open the stream, with token counts unless this server will not have them."""
        create = self._opened_client().chat.completions.create
        if not self._counts_usage:
            return create(**arguments)
        try:
            return create(**arguments, stream_options={"include_usage": True})
        except Exception as error:
            status = getattr(error, "status_code", None)
            if status not in _NO_STREAM_OPTIONS or "stream_options" not in str(error):
                raise
            self._counts_usage = False
            return create(**arguments)

    def _opened_client(self) -> Any:  # noqa: ANN401 - naming the client's type would import it
        with self._lock:
            if self._client is None:
                import openai  # noqa: PLC0415 - a second of import time, spent only where it is used

                self._client = openai.OpenAI(
                    api_key=self._secret.reveal(),
                    base_url=self._base_url,
                    max_retries=0,
                    timeout=openai.Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                )
            return self._client


class _Call:
    def __init__(self, id_: str) -> None:
        self.id = id_
        self.name = ""
        self.arguments: list[str] = []


class _Collected:
    """Chunks put together again to the whole completion that an unstreamed call would have returned."""

    def __init__(self) -> None:
        self.finish_reason = ""
        self._texts: dict[str, list[str]] = {"content": [], "reasoning_content": [], "refusal": []}
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
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

    def completion(self) -> Json:
        """Return the whole; raise `StreamEnded` when the end never came."""
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
            call = _Call(id_)
            self._calls.append(call)
            self._by_index[index] = call
        function = cast("Json", delta.get("function") or {})
        call.id = call.id or id_
        call.name += function.get("name") or ""
        call.arguments.append(function.get("arguments") or "")


def _sent(message: Message) -> Message:
    """Return a message without what only another provider understands."""
    return {key: value for key, value in message.items() if key != "details"}
