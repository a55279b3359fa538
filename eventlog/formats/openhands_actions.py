"""The actions of recorded trajectories, read as ours.

An action that lacks what its kind needs becomes `Other`: kept, shown, and answered "tool not available" when
it is carried out again.
"""

import ast
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from refold.eventlog.actions import (
    Action,
    Edit,
    Finish,
    Message,
    Other,
    Read,
    Reject,
    Run,
    Think,
    TrackTasks,
    Write,
)
from refold.eventlog.formats.plain import plain, rows_of, table_of, text_of
from refold.eventlog.tasks import Task

_EDIT_FIELDS = ("command", "file_text", "old_str", "new_str", "insert_line")
_NEEDED: dict[str, tuple[str, ...]] = {
    "create": ("file_text",),
    "str_replace": ("old_str",),
    "insert": ("insert_line", "new_str"),
    "undo_edit": (),
}
"""What each command cannot do without; looked for elsewhere when the arguments lack it."""


def action_of(event: Mapping[str, Any]) -> Action:
    """Return the action that the event records."""
    kind, arguments = text_of(event.get("action")), table_of(event.get("args"))
    try:
        return _typed(kind, arguments, event)
    except (KeyError, TypeError, ValueError):
        return _other(kind, event)


def tool_call_id_of(event: Mapping[str, Any]) -> str | None:
    found = table_of(event.get("tool_call_metadata")).get("tool_call_id")
    return None if found is None else text_of(found)


def _typed(kind: str, arguments: dict[str, Any], event: Mapping[str, Any]) -> Action:
    thought = text_of(arguments.get("thought"))
    match kind:
        case "run":
            return Run(
                command=_text(arguments, "command"),
                is_input=arguments.get("is_input") is True,
                timeout=_seconds(event.get("timeout")),
                thought=thought,
            )
        case "read":
            lines = arguments.get("view_range")
            return Read(
                path=_text(arguments, "path"),
                view_range=None if lines is None else tuple(int(line) for line in lines),
                thought=thought,
            )
        case "edit":
            return _edit(arguments, event, thought)
        case "write":
            return Write(
                path=_text(arguments, "path"),
                content=_text(arguments, "content"),
                start=int(arguments.get("start") or 0),
                end=int(arguments.get("end", -1)),
                thought=thought,
            )
        case "task_tracking":
            tasks = msgspec.convert(arguments.get("task_list") or [], tuple[Task, ...])
            return TrackTasks(command=_text(arguments, "command"), task_list=tasks, thought=thought)
        case "think":
            return Think(thought=thought)
        case "finish":
            message = arguments.get("final_thought") or arguments.get("message")
            return Finish(message=text_of(message), thought=thought)
        case "reject":
            why = table_of(arguments.get("outputs")).get("reason")
            return Reject(message=text_of(why), thought=thought)
        case "message":
            waits = arguments.get("wait_for_response") is not False
            return Message(content=text_of(arguments.get("content")), waits=waits, thought=thought)
        case _:
            return _other(kind, event)


def _edit(arguments: dict[str, Any], event: Mapping[str, Any], thought: str) -> Edit | Read:
    """Read an edit; what its arguments lack was said elsewhere: by the model, else in the translated code."""
    said = {name: value for name in _EDIT_FIELDS if (value := arguments.get(name)) is not None}
    if not said.get("command"):
        said.pop("command", None)
    if any(name not in said for name in ("command", *_NEEDED.get(said.get("command", ""), ()))):
        elsewhere = _model_arguments(event) or _translated(arguments)
        said = {name: value for name in _EDIT_FIELDS if (value := elsewhere.get(name)) is not None} | said
    if said["command"] == "view":
        return Read(path=_text(arguments, "path"), thought=thought)
    if said["command"] not in _NEEDED:
        raise ValueError(said["command"])
    line = said.get("insert_line")
    return Edit(
        command=text_of(said["command"]),
        path=_text(arguments, "path"),
        file_text=_maybe(said, "file_text"),
        old_str=_maybe(said, "old_str"),
        new_str=_maybe(said, "new_str"),
        insert_line=None if line is None else int(line),
        thought=thought,
    )


def _model_arguments(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that the model wrote for this very call."""
    metadata = table_of(event.get("tool_call_metadata"))
    for choice in rows_of(table_of(metadata.get("model_response")).get("choices")):
        for call in rows_of(table_of(table_of(choice).get("message")).get("tool_calls")):
            if table_of(call).get("id") != metadata.get("tool_call_id"):
                continue
            text = table_of(table_of(call).get("function")).get("arguments")
            try:
                return table_of(json.loads(text_of(text)))
            except (ValueError, RecursionError):
                return {}
    return {}


def _translated(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what stands in `print(file_editor(**{...}))`: a literal, read as one and never run."""
    code = text_of(arguments.get("translated_ipython_code"))
    start, end = code.find("**{"), code.rfind("}")
    if start < 0 or end < start:
        return {}
    try:
        return table_of(ast.literal_eval(code[start + 2 : end + 1]))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}


def _other(kind: str, event: Mapping[str, Any]) -> Other:
    arguments = table_of(plain(event.get("args")))
    return Other(name=kind, arguments=arguments, thought=text_of(arguments.get("thought")))


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments[name]
    if value is None:
        raise TypeError(name)
    return text_of(value)


def _maybe(arguments: Mapping[str, Any], name: str) -> str | None:
    value = arguments.get(name)
    return None if value is None else text_of(value)


def _seconds(value: Any) -> float | None:  # noqa: ANN401 - JSON can be anything
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
