"""What an agent can want: the payloads of `ActionProposed`, named as recorded trajectories name them."""

from typing import Any

from msgspec import Struct

from refold.eventlog.tasks import Task


class _Action(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """`thought` is the text that the agent wrote beside the call; `extra` holds arguments no tool knows."""

    thought: str = ""
    extra: dict[str, Any] = {}


class Run(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="run"):
    """A shell command, or input for the one that runs (`is_input`); `timeout` in seconds.

    With `restart` the shell is ended first, whatever runs in it, and a fresh one takes its place.
    """

    command: str
    is_input: bool = False
    timeout: float | None = None
    restart: bool = False


class RunIPython(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="run_ipython"):
    """A cell of Python for an interpreter that remembers; `timeout` in seconds."""

    code: str
    timeout: float | None = None


class Read(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="read"):
    """Look at a file or folder; `view_range` is [first line, last line], 1-based, -1 for the end."""

    path: str
    view_range: tuple[int, ...] | None = None


class Edit(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="edit"):
    """Change a file; what only one command needs is checked by the tool."""

    command: str
    path: str
    file_text: str | None = None
    old_str: str | None = None
    new_str: str | None = None
    insert_line: int | None = None


class Write(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="write"):
    """Replace a file's lines `start` to `end`; occurs in imported trajectories only."""

    path: str
    content: str
    start: int = 0
    end: int = -1


class Think(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="think"):
    """A thought put on record; the thought is the whole action."""


class LoadSkill(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="load_skill"):
    """Read a skill in full; memory answers it, and nothing outside is touched."""

    name: str


class Finish(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="finish"):
    """The agent says that it is done."""

    message: str = ""


class Reject(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="reject"):
    """The agent says that it will not do the task, and why."""

    message: str = ""


class Delegate(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="delegate"):
    """Have another agent do something, in a session of its own; its task stands in `inputs`."""

    agent: str
    inputs: dict[str, Any] = {}

    @property
    def task(self) -> str:
        return str(self.inputs.get("task", ""))


class Message(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="message"):
    """Plain text to the user; `waits` when the agent wants an answer."""

    content: str
    waits: bool = True


class McpCall(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="call_tool_mcp"):
    """Have `server` carry out its `tool`; `name` is what the agent calls it.

    `read_only` as the server declared it when its tools were listed. Where only the name is known, the rest
    is filled in when the action is proposed.
    """

    name: str
    server: str = ""
    tool: str = ""
    arguments: dict[str, Any] = {}
    read_only: bool = False


class TrackTasks(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="task_tracking"):
    """Write the agent's own list of tasks anew (`plan`), or look at it (`view`)."""

    command: str
    task_list: tuple[Task, ...] = ()


class Other(_Action, frozen=True, kw_only=True, omit_defaults=True, tag="other"):
    """A kind of action that this version does not know, kept as it was; `name` is its kind."""

    name: str
    arguments: dict[str, Any] = {}


type Action = (
    Run
    | Read
    | Edit
    | Write
    | Think
    | LoadSkill
    | Finish
    | Reject
    | Delegate
    | Message
    | McpCall
    | TrackTasks
    | RunIPython
    | Other
)
