"""A piece of work on an agent's own list."""

from typing import Literal

from msgspec import Struct

type TaskStatus = Literal["todo", "in_progress", "done"]


class Task(Struct, frozen=True, kw_only=True, omit_defaults=True):
    title: str
    status: TaskStatus = "todo"
    notes: str = ""
