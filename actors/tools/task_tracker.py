"""The tool that keeps the agent's list of tasks."""

from typing import Any

import msgspec

from refold.actors.tools.arguments import Arguments
from refold.eventlog.actions import TrackTasks
from refold.eventlog.tasks import Task

NAME = "task_tracker"
TASKS_MAX = 100
TITLE_CHARACTERS_MAX = 300
NOTES_CHARACTERS_MAX = 2_000

DESCRIPTION = """Keep a list of tasks for work of several steps: `plan` writes it anew, `view` shows it.

Write it before you begin, keep one task `in_progress`, and mark each `done` as soon as it is. A person sees
it, and it is there when the conversation has grown long. Small tasks need no list."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "command": {"type": "string", "enum": ["plan", "view"], "description": "What to do."},
        "task_list": {
            "type": "array",
            "description": "For `plan`: the whole list, in order.",
            "items": {
                "type": "object",
                "properties": {
                    "title": {"type": "string", "description": "What is to be done."},
                    "status": {"type": "string", "enum": ["todo", "in_progress", "done"]},
                    "notes": {"type": "string", "description": "What to remember of it."},
                },
                "required": ["title"],
            },
        },
    },
    "required": ["command"],
}


def read(arguments: Arguments, thought: str) -> TrackTasks | str:
    """Return what a call wants, or why it is nothing."""
    command = arguments.text("command") or "view"
    if command not in {"plan", "view"}:
        return "task_tracker needs a `command`, one of: plan, view."
    if command == "view":
        return TrackTasks(command="view", thought=thought, extra=arguments.rest())
    rows = arguments.rows("task_list")
    if rows is None:
        return "task_tracker needs a `task_list` to `plan`: a list of objects with a `title`."
    if len(rows) > TASKS_MAX:
        return f"A list has {TASKS_MAX} tasks at most, and this one has {len(rows)}."
    try:
        tasks = tuple(map(_task, rows))
    except msgspec.ValidationError as error:
        return f"task_tracker cannot read the `task_list`: {error}."
    return TrackTasks(command="plan", task_list=tasks, thought=thought, extra=arguments.rest())


def _task(row: object) -> Task:
    if isinstance(row, str):
        return Task(title=row[:TITLE_CHARACTERS_MAX])
    task = msgspec.convert(row, Task)
    return Task(
        title=task.title[:TITLE_CHARACTERS_MAX], status=task.status, notes=task.notes[:NOTES_CHARACTERS_MAX]
    )
