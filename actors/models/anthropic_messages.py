"""The Anthropic wire: messages, streamed; what it answers becomes the same event as everywhere."""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from refold.actors.models.anthropic_translation import messages_to_wire, tools_to_wire
from refold.actors.models.completion import unique_calls
from refold.actors.models.cost import cost_usd
from refold.actors.models.port import OnGlimpse
from refold.actors.models.wire import CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S, Secret, StreamEnded, failure_of
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.settings import Price
from refold.eventlog.usage import Usage
from refold.projections.request import Request

_BASE_URL = "https://api.anthropic.com"
_TOKENS_MAX = 32_000
_BAD_REQUEST = 400
_CACHED = {"type": "ephemeral"}
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "refusal": "content_filter",
}

type Json = Mapping[str, Any]


class AnthropicMessagesModel:
    """`anthropic/NAME`. The client is imported and made by the first call; it never tries again by itself."""

    def __init__(self, name: str, *, base_url: str | None, key: str, price: Price | None) -> None:
        self._name = name
        self._base_url = base_url or _BASE_URL
        self._secret = Secret(key)
        self._price = price
        self._lock = threading.Lock()
        self._client: Any = None

    def __repr__(self) -> str:
        return f"AnthropicMessagesModel({self._name!r})"

    def ask(
        self, request: Request, *, script_line: int = 0, on_glimpse: OnGlimpse | None = None
    ) -> ModelAnswered | ModelFailed:
        del script_line  # a script's business only
        collected = _Collected()
        try:
            self._opened_client()  # before the clock starts: importing it takes longer than many an answer
            started = time.monotonic_ns()
            for event in self._events(request):
                text = collected.add(event)
                if text and on_glimpse is not None:
                    on_glimpse(text)
            return collected.answer(self._name, self._price, time.monotonic_ns() - started)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is a fact about this call
            return failure_of(error, seen=collected.seen, secret=self._secret)

    def _events(self, request: Request) -> Iterator[Json]:
        with self._opened(request) as stream:
            for event in stream:
                yield event.model_dump()

    def _opened(self, request: Request) -> Any:  # noqa: ANN401 - the client's stream, unimported
        """Open the stream; signed reasoning that the provider will not take back is left out."""
        create = self._opened_client().messages.create
        try:
            return create(**self._arguments(request, reasoning_of=self._name))
        except Exception as error:
            is_refused = getattr(error, "status_code", None) == _BAD_REQUEST and "thinking" in str(error)
            if not (is_refused and any("details" in message for message in request.messages)):
                raise
            return create(**self._arguments(request, reasoning_of=None))

    def _arguments(self, request: Request, *, reasoning_of: str | None) -> dict[str, Any]:
        system, messages = messages_to_wire(request.messages, reasoning_of=reasoning_of)
        arguments: dict[str, Any] = {
            "max_tokens": _TOKENS_MAX,
            **request.parameters,
            "model": self._name,
            "messages": messages,
            "stream": True,
        }
        if system:
            arguments["system"] = [{"type": "text", "text": system, "cache_control": _CACHED}]
        if request.tools:
            arguments["tools"] = tools_to_wire(request.tools)
        return arguments

    def _opened_client(self) -> Any:  # noqa: ANN401 - naming the client's type would import it
        with self._lock:
            if self._client is None:
                import anthropic  # noqa: PLC0415 - two seconds of import time, spent only where it is used

                self._client = anthropic.Anthropic(
                    api_key=self._secret.reveal(),
                    base_url=self._base_url,
                    max_retries=0,
                    timeout=anthropic.Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                )
            return self._client


class _Collected:
    """Events put together again to the message that an unstreamed call would have returned."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, Any]] = {}
        self._message: dict[str, Any] = {}
        self._usage: dict[str, int] = {}
        self._stop_reason = ""
        self._stopped = False

    @property
    def seen(self) -> str:
        return "".join(
            block["text"] + block["thinking"] + (f"{block['name']}(" if block["name"] else "") + block["json"]
            for block in self._blocks.values()
        )

    def add(self, event: Json) -> str:
        """Take in an event and return the text that it brought."""
        match event.get("type"):
            case "message_start":
                self._message = event["message"]
                self._count(self._message.get("usage"))
            case "content_block_start":
                return self._start(event["index"], event["content_block"])
            case "content_block_delta":
                return self._grow(event["index"], event["delta"])
            case "message_delta":
                self._stop_reason = event["delta"].get("stop_reason") or self._stop_reason
                self._count(event.get("usage"))
            case "message_stop":
                self._stopped = True
            case _:
                pass  # pings, ends of blocks, and what a newer server may add
        return ""

    def answer(self, model: str, price: Price | None, latency_ns: int) -> ModelAnswered:
        """Return the whole; raise `StreamEnded` when the end never came."""
        if not (self._stopped and self._message):
            raise StreamEnded("the stream ended before the answer did")
        blocks = [self._blocks[index] for index in sorted(self._blocks)]
        calls = [
            (block["id"], block["name"], block["json"]) for block in blocks if block["type"] == "tool_use"
        ]
        usage = self._tokens()
        return ModelAnswered(
            model=self._message.get("model") or model,
            content="".join(block["text"] for block in blocks),
            reasoning="".join(block["thinking"] for block in blocks),
            tool_calls=unique_calls(calls),
            finish_reason=_FINISH_REASONS.get(self._stop_reason, self._stop_reason),
            usage=usage,
            cost_usd=cost_usd(usage, price),
            latency_ns=latency_ns,
            response_id=self._message.get("id") or "",
            details=_details(blocks, model),
        )

    def _start(self, index: int, block: Json) -> str:
        empty = {"text": "", "thinking": "", "signature": "", "data": "", "name": "", "id": "", "json": ""}
        given = {key: value for key, value in block.items() if isinstance(value, str)}
        self._blocks[index] = {**empty, **given}
        if block.get("input"):
            self._blocks[index]["json"] = json.dumps(block["input"], ensure_ascii=False)
        return cast("str", self._blocks[index]["text"])

    def _grow(self, index: int, delta: Json) -> str:
        block = self._blocks[index]
        for key, target in (
            ("text", "text"),
            ("thinking", "thinking"),
            ("signature", "signature"),
            ("partial_json", "json"),
        ):
            if isinstance(delta.get(key), str):
                block[target] += delta[key]
        return cast("str", delta.get("text") or "")

    def _count(self, usage: object) -> None:
        """Keep the latest of each count: the end of a stream repeats some of its beginning."""
        if isinstance(usage, Mapping):
            counts = cast("Json", usage).items()
            self._usage |= {key: value for key, value in counts if isinstance(value, int)}

    def _tokens(self) -> Usage:
        cached = self._usage.get("cache_read_input_tokens", 0)
        written = self._usage.get("cache_creation_input_tokens", 0)
        return Usage(
            prompt=self._usage.get("input_tokens", 0) + cached + written,
            completion=self._usage.get("output_tokens", 0),
            cached=cached,
            cache_written=written,
        )


def _details(blocks: Sequence[Json], model: str) -> dict[str, Any]:
    """Return how the answer was put together, if it holds signed reasoning: that must go back in its place.

    The reasoning stands there to the letter, calls by their number; it is of use to the same `model` only.
    """
    parts: list[dict[str, Any]] = []
    calls = 0
    for block in blocks:
        match block["type"]:
            case "thinking":
                parts.append({key: block[key] for key in ("type", "thinking", "signature")})
            case "redacted_thinking":
                parts.append({key: block[key] for key in ("type", "data")})
            case "tool_use":
                parts.append({"type": "tool_use", "call": calls})
                calls += 1
            case _:
                parts.append({"type": "text", "text": block["text"]})
    is_signed = any(part["type"] in ("thinking", "redacted_thinking") for part in parts)
    return {"anthropic": {"model": model, "blocks": parts}} if is_signed else {}
