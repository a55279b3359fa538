"""A model for tests and examples: it says what it was given to say, and remembers what it was asked."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from refold.actors.models.port import OnGlimpse
from refold.eventlog.events import ModelAnswered, ModelFailed, ToolCall
from refold.eventlog.usage import Usage
from refold.projections.request import Request

type Line = ModelAnswered | ModelFailed | Callable[[Request], ModelAnswered | ModelFailed]


class ScriptedModel:
    """Answers call n with line n, as `script:FILE` does; a line may be a function of the request.

    Safe to ask from several threads; `requests` holds what was asked, in order.
    """

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = tuple(lines)
        self.requests: list[Request] = []

    def ask(
        self, request: Request, *, script_line: int = 0, on_glimpse: OnGlimpse | None = None
    ) -> ModelAnswered | ModelFailed:
        self.requests.append(request)
        if not 0 <= script_line < len(self._lines):
            return ModelFailed(
                fault="script_exhausted",
                message=f"the scripted model has {len(self._lines)} lines, all used",
            )
        line = self._lines[script_line]
        fact = line(request) if callable(line) else line
        if on_glimpse is not None and isinstance(fact, ModelAnswered) and fact.content:
            on_glimpse(fact.content)
        return fact


def says(content: str, *calls: tuple[str, Mapping[str, Any]], usage: Usage | None = None) -> ModelAnswered:
    """Return an answer with text and tool calls (name, arguments); ids count up from `call_0`."""
    return ModelAnswered(
        model="scripted",
        content=content,
        tool_calls=tuple(
            ToolCall(id=f"call_{index}", name=name, arguments=json.dumps(arguments))
            for index, (name, arguments) in enumerate(calls)
        ),
        finish_reason="tool_calls" if calls else "stop",
        usage=usage or Usage(),
    )
