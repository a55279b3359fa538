"""What the world can answer: the payloads of `ObservationRecorded`."""

from typing import Any, Literal

from msgspec import Struct

from refold.eventlog.tasks import Task

type Cancellation = Literal["stopped", "closed", "user_wrote", "rejected", "not_carried_over", "fault"]


class _Observation(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """`content` is the text that the model is shown."""

    content: str


class RunOutput(_Observation, frozen=True, kw_only=True, tag="run"):
    """A command's output; `exit_code` is -1 while it goes on running, null where nobody recorded one."""

    exit_code: int | None
    command: str = ""
    directory: str = ""


class IPythonOutput(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="run_ipython"):
    """What a cell printed, its last value and its errors included."""

    code: str = ""


class FileContent(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="read"):
    path: str


class FileEdited(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="edit"):
    path: str
    existed: bool = True
    old_content: str | None = None
    new_content: str | None = None


class FileWritten(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="write"):
    path: str


class Thought(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="think"):
    """The answer to a thought."""


class SkillLoaded(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="load_skill"):
    """A skill in full; `source` is the path of its file."""

    source: str


class Finished(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="finish"):
    """The answer to `finish`."""


class DelegateResult(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="delegate"):
    """What came of a delegate: `status` is the state that its session ended in.

    What it spent, its own delegates included, counts in its parent from here on; `cost_usd` is None once any
    part of it is unknown.
    """

    agent: str
    session: str
    status: str
    iterations: int = 0
    cost_usd: float | None = None


class McpResult(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="mcp"):
    """What a server's tool answered; with `is_error` it says that it could not do what was asked."""

    server: str = ""
    tool: str = ""
    is_error: bool = False


class TaskList(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="task_tracking"):
    """The agent's own list of tasks as it stands now."""

    command: str = ""
    task_list: tuple[Task, ...] = ()


class Failure(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="error"):
    """The tool ran and could not do it; the agent can read why and try otherwise."""


class OutcomeUnknown(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="outcome_unknown"):
    """It may or may not have happened; nobody can tell, and nobody runs it again."""


class Cancelled(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="cancelled"):
    """Nobody waits for the answer any more; `reason` says why."""

    reason: Cancellation


class OtherObservation(_Observation, frozen=True, kw_only=True, omit_defaults=True, tag="other"):
    """A kind of observation that this version does not know, kept as it was; `name` is its kind."""

    name: str
    fields: dict[str, Any] = {}


type Observation = (
    RunOutput
    | IPythonOutput
    | FileContent
    | FileEdited
    | FileWritten
    | Thought
    | SkillLoaded
    | Finished
    | DelegateResult
    | McpResult
    | TaskList
    | Failure
    | OutcomeUnknown
    | Cancelled
    | OtherObservation
)
