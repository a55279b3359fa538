"""The agent's own list of tasks: planned, looked at, shown to a person, and there after everything."""

import json

import pytest

from refold.actors.tools.task_tracker import TASKS_MAX
from refold.actors.tools.toolbox import Refusal, read_call
from refold.eventlog.actions import TrackTasks
from refold.eventlog.events import ObservationRecorded, ToolCall
from refold.eventlog.observations import TaskList
from refold.eventlog.tasks import Task
from tests.behaviour.scenes import FINISH, Call, Scene

PLAN: Call = (
    "task_tracker",
    {
        "command": "plan",
        "task_list": [{"title": "look", "status": "done"}, {"title": "mend", "notes": "a\nb"}],
    },
)
VIEW: Call = ("task_tracker", {"command": "view"})
TASKS = (Task(title="look", status="done"), Task(title="mend", notes="a\nb"))


def lists(scene: Scene) -> list[TaskList]:
    said = [event.observation for event in scene.of(ObservationRecorded)]
    return [each for each in said if isinstance(each, TaskList)]


def test_a_list_is_written_and_answered_at_once_and_later_ones_see_it() -> None:
    scene = Scene().acting(VIEW, PLAN, VIEW).step("", VIEW, FINISH)
    none, planned, viewed, again = lists(scene)
    assert none.content == "There are no tasks on the list."
    assert planned.content == viewed.content == again.content
    assert viewed.content == "1. [x] look\n2. [ ] mend\n   a\n   b"
    assert viewed.task_list == TASKS
    assert scene.state.agent.tasks == TASKS
    assert not scene.open


def test_a_list_needs_no_approval_and_no_runner() -> None:
    scene = Scene().running(confirm="always").lose().step("", PLAN)
    assert scene.agent == "running"
    assert lists(scene)[0].task_list == TASKS


def read(**arguments: object) -> TrackTasks | Refusal:
    call = ToolCall(id="c", name="task_tracker", arguments=json.dumps(arguments))
    found = read_call(call, "", ("task_tracker",))
    assert isinstance(found, TrackTasks | Refusal)
    return found


def test_a_list_is_read_as_models_write_it() -> None:
    assert read(command="plan", task_list='[{"title": "one"}]') == read(command="plan", task_list=["one"])
    assert read() == TrackTasks(command="view")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"command": "burn"}, "one of: plan, view"),
        ({"command": "plan"}, "needs a `task_list`"),
        ({"command": "plan", "task_list": [{"status": "todo"}]}, "title"),
        ({"command": "plan", "task_list": [{"title": "x", "status": "later"}]}, "status"),
        ({"command": "plan", "task_list": ["x"] * (TASKS_MAX + 1)}, "at most"),
    ],
)
def test_b21_a_list_that_cannot_be_read_is_refused_with_the_reason(
    arguments: dict[str, object], why: str
) -> None:
    refusal = read(**arguments)
    assert isinstance(refusal, Refusal)
    assert why in refusal.reason
