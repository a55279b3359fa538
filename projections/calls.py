"""Actions as the tool calls that a model would have written: for steps that no model answered here."""

from typing import Any

import msgspec

from refold.eventlog.actions import (
    Action,
    Delegate,
    Edit,
    Finish,
    LoadSkill,
    McpCall,
    Message,
    Other,
    Read,
    Reject,
    Run,
    RunIPython,
    Think,
    TrackTasks,
    Write,
)


def call_of(action: Action) -> tuple[str, dict[str, Any]] | None:
    """Return a tool's name and arguments, or None for plain text."""
    match action:
        case Run():
            return "execute_bash", _given(action, "command", "is_input", "timeout", "restart")
        case Read():
            return "str_replace_editor", {"command": "view", **_given(action, "path", "view_range")}
        case Edit():
            fields = ("command", "path", "file_text", "old_str", "new_str", "insert_line")
            return "str_replace_editor", _given(action, *fields)
        case Write(path=path, content=content):
            return "str_replace_editor", {"command": "create", "path": path, "file_text": content}
        case Think(thought=thought):
            return "think", {"thought": thought}
        case LoadSkill():
            return "load_skill", _given(action, "name")
        case Finish():
            return "finish", _given(action, "message")
        case Reject():
            return "reject", _given(action, "message")
        case Delegate(agent=agent, task=task):
            return "delegate", {"agent": agent, "task": task}
        case RunIPython():
            return "execute_ipython_cell", _given(action, "code", "timeout")
        case TrackTasks():
            return "task_tracker", _given(action, "command", "task_list")
        case McpCall(name=name, arguments=arguments) | Other(name=name, arguments=arguments):
            return name, dict(arguments)
        case Message():
            return None


def text_of(action: Action) -> str:
    """Return what the agent wrote beside its call, or instead of one."""
    match action:
        case Message(content=content):
            return content
        case Think():
            return ""
        case (
            Run()
            | Read()
            | Edit()
            | Write()
            | LoadSkill()
            | Finish()
            | Reject()
            | Delegate()
            | McpCall()
            | TrackTasks()
            | RunIPython()
            | Other()
        ):
            return action.thought


def _given(action: Action, *names: str) -> dict[str, Any]:
    """Return the named fields that differ from their defaults, and all that have none."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(type(action))}
    given = {name: msgspec.to_builtins(getattr(action, name)) for name in names}
    return {
        name: value for name, value in given.items() if fields[name].required or value != fields[name].default
    }
