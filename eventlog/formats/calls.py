"""Tool calls of other agents read as our actions, where their tools are ours by another name."""

from typing import Any

from refold.eventlog.actions import Action, Edit, Finish, Other, Read, Reject, Run, Think, Write
from refold.eventlog.formats.plain import plain, text_of, text_or_none
from refold.eventlog.observations import (
    FileContent,
    FileEdited,
    FileWritten,
    Finished,
    Observation,
    OtherObservation,
    RunOutput,
    Thought,
)

_SHELLS = ("execute_bash", "bash", "shell", "run_shell_command", "terminal")
_EDITORS = ("str_replace_editor", "str_replace_based_edit_tool")
_EDITS = ("create", "str_replace", "insert", "undo_edit")


def action_of_call(name: str, arguments: dict[str, Any], thought: str = "") -> Action:
    """Return the action that a call means; one that no tool of ours can carry out is kept as it is."""
    match name, arguments:
        case "execute_bash", {"command": str(command), "is_input": True}:
            return Run(command=text_of(command), is_input=True, thought=thought)
        case _, {"command": str(command)} if name in _SHELLS:
            return Run(command=text_of(command), timeout=_seconds(arguments.get("timeout")), thought=thought)
        case _, {"command": "view", "path": str(path)} if name in _EDITORS:
            return Read(path=text_of(path), view_range=_lines(arguments.get("view_range")), thought=thought)
        case _, {"command": str(command), "path": str(path)} if name in _EDITORS and command in _EDITS:
            line = arguments.get("insert_line")
            return Edit(
                command=command,
                path=text_of(path),
                file_text=text_or_none(arguments.get("file_text")),
                old_str=text_or_none(arguments.get("old_str")),
                new_str=text_or_none(arguments.get("new_str")),
                insert_line=line if type(line) is int else None,
                thought=thought,
            )
        case "think", {"thought": str(own)}:
            return Think(thought=f"{thought}\n{text_of(own)}" if thought else text_of(own))
        case "finish", _:
            return Finish(message=text_of(arguments.get("message")), thought=thought)
        case "reject", _:
            return Reject(message=text_of(arguments.get("message")), thought=thought)
        case _:
            return Other(name=name, arguments=plain(arguments), thought=thought)


def answer_to(
    action: Action, content: str, *, exit_code: int | None = None, directory: str = ""
) -> Observation:
    """Return the text that answered an action as the kind of observation that its action calls for."""
    match action:
        case Run(command=command):
            return RunOutput(content=content, exit_code=exit_code, command=command, directory=directory)
        case Read(path=path):
            return FileContent(content=content, path=path)
        case Edit(path=path):
            return FileEdited(content=content, path=path)
        case Write(path=path):
            return FileWritten(content=content, path=path)
        case Think():
            return Thought(content=content)
        case Finish() | Reject():
            return Finished(content=content)
        case Other(name=name):
            return OtherObservation(content=content, name=name)
        case _:
            return OtherObservation(content=content, name="message")


def _seconds(value: Any) -> float | None:  # noqa: ANN401 - JSON can be anything
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
    )


def _lines(value: Any) -> tuple[int, ...] | None:  # noqa: ANN401 - JSON can be anything
    return tuple(value) if isinstance(value, list) and all(type(line) is int for line in value) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - anything
