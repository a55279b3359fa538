"""One turn of the assistant: what it said and called, and what came of each call."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import msgspec

from refold.projections.request import Message

NO_RESULT = "No result was recorded for this call."

_NAME_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_NAME_LENGTH_MAX = 64


class Turn:
    """An assistant's turn whose calls are being answered; `written` here when no model gave it."""

    def __init__(self, content: str, *, written: bool, version: int = -1) -> None:
        self.content = content
        self.version = version
        self.written = written
        self.details: dict[str, Any] = {}
        self.calls: list[dict[str, Any]] = []
        self.open: Counter[str] = Counter()
        self.results: list[Message] = []

    def call(self, id_: str, name: str, arguments: str) -> None:
        """Add a call as a model wrote it; it is shown so that every provider takes it back."""
        function = {"name": _safe_name(name), "arguments": _as_object(arguments)}
        self.calls.append({"id": id_, "type": "function", "function": function})
        self.open[id_] += 1

    def answer(self, id_: str, text: str) -> None:
        """Take a result as it comes; results are shown in the order of their calls."""
        self.results.append(_tool_message(id_, text))
        self.open[id_] -= 1
        if self.open[id_] <= 0:
            del self.open[id_]

    def messages(self) -> list[Message]:
        """Return the turn with a result for every call, a made-up one where there is none yet."""
        if not (self.content or self.calls or self.details):
            return []
        message: Message = {"role": "assistant", "content": self.content}
        if self.calls:
            message["tool_calls"] = self.calls
        if self.details:
            message["details"] = self.details
        return [message, *self._in_order()]

    def _in_order(self) -> Iterator[Message]:
        left: dict[str, deque[Message]] = {}
        for result in self.results:
            left.setdefault(result["tool_call_id"], deque()).append(result)
        for call in self.calls:
            results = left.get(call["id"])
            yield results.popleft() if results else _tool_message(call["id"], NO_RESULT)


def _tool_message(id_: str, text: str) -> Message:
    return {"role": "tool", "tool_call_id": id_, "content": text}


def _safe_name(name: str) -> str:
    """Return a name that every provider takes back, also where the model wrote one that none would."""
    return _NAME_UNSAFE.sub("_", name)[:_NAME_LENGTH_MAX] or "unnamed"


def _as_object(arguments: str) -> str:
    """Return arguments that every provider can parse; text that is no JSON object is shown inside one."""
    try:
        is_object = isinstance(msgspec.json.decode(arguments or "{}"), dict)
    except (msgspec.DecodeError, RecursionError):
        is_object = False
    return (arguments or "{}") if is_object else msgspec.json.encode({"malformed": arguments}).decode()
