"""The agent's tools, and the way from a model's call to the action that it means."""

from typing import Any

from msgspec import Struct

from refold.actors.tools import (
    delegate,
    execute_bash,
    execute_ipython_cell,
    finish,
    load_skill,
    reject,
    str_replace_editor,
    task_tracker,
    think,
    view,
)
from refold.actors.tools.arguments import Arguments
from refold.eventlog.actions import (
    Action,
    Delegate,
    Edit,
    Finish,
    LoadSkill,
    McpCall,
    Message,
    Read,
    Reject,
    Run,
    RunIPython,
    Think,
)
from refold.eventlog.events import ModelAnswered, ToolCall

_EXCERPT_CHARACTERS = 200

SCHEMAS: dict[str, dict[str, Any]] = {
    tool.NAME: {
        "type": "function",
        "function": {"name": tool.NAME, "description": tool.DESCRIPTION, "parameters": tool.PARAMETERS},
    }
    for tool in (
        execute_bash,
        str_replace_editor,
        think,
        finish,
        reject,
        view,
        task_tracker,
        execute_ipython_cell,
    )
}
"""Every tool that is the same wherever it is offered, as a model is shown it."""

TOOL_NAMES: tuple[str, ...] = (execute_bash.NAME, str_replace_editor.NAME, think.NAME, finish.NAME)
TOOLS: tuple[dict[str, Any], ...] = tuple(SCHEMAS[name] for name in TOOL_NAMES)
"""What an agent is offered that works alone."""


class Proposal(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="proposal"):
    """An action that a model wants, and the call that it stands for; plain text has none."""

    action: Action
    tool_call_id: str | None = None


class Refusal(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="refusal"):
    """Something in an answer that is no action; the reason is told to the model, so that it can repair it."""

    reason: str
    tool_call_id: str | None = None


def names_of(tools: tuple[dict[str, Any], ...]) -> tuple[str, ...]:
    """Return what recorded tools are called."""
    return tuple(str(tool.get("function", {}).get("name", "")) for tool in tools)


def read_answer(answer: ModelAnswered, tools: tuple[str, ...] = TOOL_NAMES) -> tuple[Proposal | Refusal, ...]:
    """Return what an answer wants, in its order, where `tools` are on record as offered; never empty.

    Text beside calls is the thought of the first of them that is an action.
    """
    if not answer.tool_calls:
        if answer.content.strip():
            return (Proposal(action=Message(content=answer.content)),)
        return (Refusal(reason="Your answer was empty: it held neither text nor a tool call."),)
    thought = answer.content
    wanted: list[Proposal | Refusal] = []
    for call in answer.tool_calls:
        match read_call(call, thought, tools):
            case Refusal(reason=reason) as refusal:
                hint = " Your answer was cut off: write less at once." if _was_cut(answer) else ""
                wanted.append(Refusal(reason=reason + hint, tool_call_id=refusal.tool_call_id))
            case action:
                wanted.append(Proposal(action=action, tool_call_id=call.id))
                thought = ""
    return tuple(wanted)


def read_call(call: ToolCall, thought: str, tools: tuple[str, ...] = TOOL_NAMES) -> Action | Refusal:
    """Return the action that a call means, or why it is none.

    Refused are only an unknown tool, arguments that are no JSON object, and those without which there is
    nothing to do. All else is the tool's own to check: its failure is an observation.
    """
    if call.name not in tools:
        known = ", ".join(tools)
        return _refused(call, f"There is no tool {call.name!r}. The tools are: {known}.")
    arguments = Arguments.parse(call.arguments)
    if arguments is None:
        excerpt = call.arguments[:_EXCERPT_CHARACTERS]
        return _refused(call, f"The arguments of {call.name} must be one JSON object; they begin: {excerpt}")
    match call.name:
        case execute_bash.NAME:
            return _run(call, arguments, thought)
        case str_replace_editor.NAME:
            return _edit(call, arguments, thought)
        case think.NAME:
            return _think(call, arguments, thought)
        case view.NAME:
            return _view(call, arguments, thought)
        case delegate.NAME:
            return _delegate(call, arguments, thought)
        case load_skill.NAME:
            return _skill(call, arguments, thought)
        case finish.NAME:
            message = arguments.text("message") or ""
            return Finish(message=message, thought=thought, extra=arguments.rest())
        case reject.NAME:
            message = arguments.text("message") or ""
            return Reject(message=message, thought=thought, extra=arguments.rest())
        case execute_ipython_cell.NAME:
            return _cell(call, arguments, thought)
        case task_tracker.NAME:
            wanted = task_tracker.read(arguments, thought)
            return _refused(call, wanted) if isinstance(wanted, str) else wanted
        case _:
            return McpCall(name=call.name, arguments=arguments.rest(), thought=thought)


def _run(call: ToolCall, arguments: Arguments, thought: str) -> Action | Refusal:
    restart = arguments.flag("restart")
    command = arguments.text("command")
    if command is None and restart:
        command = ""
    if command is None:
        return _refused(call, "execute_bash needs a `command`.")
    return Run(
        command=command,
        is_input=arguments.flag("is_input"),
        timeout=arguments.number("timeout"),
        restart=restart,
        thought=thought,
        extra=arguments.rest(),
    )


def _cell(call: ToolCall, arguments: Arguments, thought: str) -> Action | Refusal:
    code = arguments.text("code")
    if code is None:
        return _refused(call, "execute_ipython_cell needs `code`.")
    timeout = arguments.number("timeout")
    return RunIPython(code=code, timeout=timeout, thought=thought, extra=arguments.rest())


def _edit(call: ToolCall, arguments: Arguments, thought: str) -> Action | Refusal:
    command, path = arguments.text("command"), arguments.text("path")
    commands: list[str] = str_replace_editor.PARAMETERS["properties"]["command"]["enum"]
    if command is None or command not in commands:
        return _refused(call, f"str_replace_editor needs a `command`, one of: {', '.join(commands)}.")
    if path is None:
        return _refused(call, "str_replace_editor needs a `path`.")
    if command == "view":
        view_range = arguments.integers("view_range")
        return Read(path=path, view_range=view_range, thought=thought, extra=arguments.rest())
    texts = {name: arguments.text(name) for name in ("file_text", "old_str", "new_str")}
    line = arguments.integer("insert_line")
    return Edit(
        command=command, path=path, **texts, insert_line=line, thought=thought, extra=arguments.rest()
    )


def _view(call: ToolCall, arguments: Arguments, thought: str) -> Action | Refusal:
    path = arguments.text("path")
    if path is None:
        return _refused(call, "view needs a `path`.")
    view_range = arguments.integers("view_range")
    return Read(path=path, view_range=view_range, thought=thought, extra=arguments.rest())


def _delegate(call: ToolCall, arguments: Arguments, thought: str) -> Action | Refusal:
    agent, task = arguments.text("agent"), arguments.text("task")
    if agent is None or task is None or not task.strip():
        return _refused(call, "delegate needs an `agent` and a `task`.")
    return Delegate(agent=agent, inputs={"task": task}, thought=thought, extra=arguments.rest())


def _think(call: ToolCall, arguments: Arguments, thought: str) -> Action | Refusal:
    own = arguments.text("thought")
    if own is None:
        return _refused(call, "think needs a `thought`.")
    return Think(thought=f"{thought}\n{own}" if thought else own, extra=arguments.rest())


def _skill(call: ToolCall, arguments: Arguments, thought: str) -> Action | Refusal:
    name = arguments.text("name")
    if name is None:
        return _refused(call, "load_skill needs a `name`.")
    return LoadSkill(name=name, thought=thought, extra=arguments.rest())


def _refused(call: ToolCall, reason: str) -> Refusal:
    return Refusal(reason=reason, tool_call_id=call.id)


def _was_cut(answer: ModelAnswered) -> bool:
    return answer.finish_reason == "length"
