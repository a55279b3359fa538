"""Answers what an agent has planned: the list that it wrote last, and how it is shown."""

from collections.abc import Sequence

from refold.eventlog.actions import TrackTasks
from refold.eventlog.events import ActionProposed, Event
from refold.eventlog.record import Record
from refold.eventlog.tasks import Task, TaskStatus

_MARKS: dict[TaskStatus, str] = {"todo": " ", "in_progress": "~", "done": "x"}


class Tasks:
    """The list after each record; what was imported is no plan of this session's agent."""

    def initial(self) -> tuple[Task, ...]:
        return ()

    def fold(self, state: tuple[Task, ...], record: Record) -> tuple[Task, ...]:
        return state if record.event.foreign is not None else tasks_after(state, record.event)


def tasks_after(tasks: tuple[Task, ...], event: Event) -> tuple[Task, ...]:
    match event:
        case ActionProposed(action=TrackTasks(command="plan", task_list=planned)):
            return planned
        case _:
            return tasks


def listed(tasks: Sequence[Task]) -> str:
    """Return the list as an agent and a person read it."""
    lines: list[str] = []
    for number, task in enumerate(tasks, 1):
        lines.append(f"{number}. [{_MARKS[task.status]}] {task.title}")
        lines += [f"   {line}" for line in task.notes.splitlines()]
    return "\n".join(lines)
