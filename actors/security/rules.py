"""The built-in rules: what leaves the workspace, deletes, escalates, sends data away, or runs the net's code.

Advice from the text of an action alone. Links are not followed, scripts and other languages not read, and a
program that is not known here counts as harmless: the sandbox is the boundary, not this.
"""

from refold.actors.security.commands import Judge, typed
from refold.actors.security.files import looked_at, written
from refold.actors.security.finding import Finding, low, unknown, weigh
from refold.actors.security.places import Place
from refold.actors.security.port import Surroundings
from refold.actors.security.shell import Word
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
from refold.eventlog.risk import Assessment


class Rules:
    """Assesses by rules; the same action in the same surroundings is always assessed the same."""

    def assess(self, action: Action, surroundings: Surroundings) -> Assessment:
        return weigh(_found(action, surroundings))


def _found(action: Action, surroundings: Surroundings) -> list[Finding]:
    place = Place(workspace=surroundings.workspace, directory=surroundings.workspace)
    match action:
        case Run(command=command, is_input=True):
            return typed(command)
        case Run(command=command):  # Starting afresh ends what runs in the agent's own shell, and no more.
            return Judge(surroundings.workspace, _directory(surroundings)).judge(command)
        case Read(path=path):
            return looked_at(Word(path), place)
        case Edit(path=path) | Write(path=path):
            return written(Word(path), place)
        case Think() | LoadSkill() | Finish() | Reject() | TrackTasks() | Message():
            return [low("touches nothing")]
        case Delegate():
            return [low("another agent's actions are assessed as it takes them")]
        case RunIPython():
            return [unknown("Python code is not read")]
        case McpCall(server=server, tool=tool):
            return [unknown(f"nobody here knows what {tool} of {server} does, outside the sandbox")]
        case Other(name=name):
            return [unknown(f"there is no rule for {name}")]


def _directory(surroundings: Surroundings) -> str | None:
    """Return where the shell will be when it is the action's turn: what comes before it may move it."""
    directory: str | None = surroundings.directory
    for action in surroundings.before:
        if isinstance(action, Run) and not action.is_input:
            judge = Judge(surroundings.workspace, directory)
            judge.judge(action.command)
            directory = judge.directory
    return directory
