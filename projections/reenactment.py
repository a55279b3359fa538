"""What of a recording is carried out again: user messages and actions, in order, with their answers.

Everything else (state changes, recalls, the model's own answers) belongs to the session that was recorded;
the one that re-enacts it has its own.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

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
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    RuntimeConnected,
    SessionClaimed,
    SessionForked,
    SessionStarted,
)
from refold.eventlog.formats.openhands_observations import hostname_of
from refold.eventlog.formats.plain import table_of, text_of
from refold.eventlog.observations import Cancelled, Failure, Observation, OutcomeUnknown, RunOutput
from refold.eventlog.record import Record
from refold.projections.render import kind_of

WORKSPACE = "/workspace"
"""Where a recorded session has its workspace, unless it says otherwise."""

_NAMES_WORKSPACE = re.compile(r"(?<![\w./-])/workspace(?![\w-])")
_UNDECIDED = ("awaiting_confirmation", "rejected")


class RecordedStep(Struct, frozen=True, kw_only=True):
    """A user's `message`, or an `action` with the answer `expected` of it, None where none was recorded.

    `version` is its place in the recording; `hostname` the machine that answered, where that was recorded.
    """

    version: int
    message: str | None = None
    action: Action | None = None
    tool_call_id: str | None = None
    expected: Observation | None = None
    hostname: str = ""


class Recording:
    """The steps of one stream, found by where one stands in it."""

    def __init__(self, records: Iterable[Record]) -> None:
        kept = tuple(records)
        self.steps = steps(kept)
        self.workspace = workspace_of(kept)
        """The path by which the recording's texts name its workspace."""
        self._versions = [step.version for step in self.steps]

    def after(self, cursor: int) -> RecordedStep | None:
        """Return the first step after version `cursor`; None at the end."""
        index = bisect_right(self._versions, cursor)
        return self.steps[index] if index < len(self.steps) else None

    def at(self, version: int) -> RecordedStep | None:
        index = bisect_right(self._versions, version) - 1
        return self.steps[index] if index >= 0 and self._versions[index] == version else None


def steps(records: Iterable[Record]) -> tuple[RecordedStep, ...]:
    """Return the steps of a stream, imported or our own, without those that were never carried out."""
    kept = tuple(records)
    answers, started = _answers(kept), _started(kept)
    found: list[RecordedStep] = []
    host = ""
    for record in kept:
        match record.event:
            case SessionClaimed(host=host):
                pass
            case MessageReceived(content=content):
                found.append(RecordedStep(version=record.version, message=content))
            case ActionProposed() as event if _carried_out(record.version, event, answers, started):
                answer = answers.get(record.version)
                found.append(_step(record.version, event, answer, host))
            case _:
                pass
    return tuple(found)


def names_workspace(records: Iterable[Record]) -> bool:
    """Tell whether an action to be carried out again names `/workspace`."""
    return any(
        _NAMES_WORKSPACE.search(text)
        for step in steps(records)
        if step.action is not None
        for text in _texts(step.action)
    )


def workspace_of(records: Iterable[Record]) -> str:
    """Return the path by which a session's actions and answers name its workspace.

    One that was imported may not say; then it is where its first command ran.
    """
    folder: str | None = None
    sandbox = began = place = ""
    for record in records:
        match record.event:
            case SessionStarted(settings=settings):
                folder, sandbox = settings.workspace, settings.sandbox
            case ForeignRecorded(name="SessionStarted", foreign=str(text)):
                started = table_of(table_of(json.loads(text).get("data")).get("settings"))
                folder, sandbox = text_of(started.get("workspace")), text_of(started.get("sandbox"))
            case SessionForked(workspace=workspace, settings=settings):
                folder = workspace
                sandbox = sandbox if settings is None else settings.sandbox
            case RuntimeConnected(sandbox=connected, workspace=told):
                sandbox, place = connected, told or place
            case ObservationRecorded(foreign=str(), observation=RunOutput(directory=directory)) as answer:
                began = began or ("" if _moves(answer.observation) else directory)
            case _:
                pass
    if place:
        return place
    if folder is not None:
        return folder if sandbox == "local" else WORKSPACE
    return WORKSPACE if f"{began}/".startswith((f"{WORKSPACE}/", "//")) or not began else began


def _moves(observation: Observation) -> bool:
    return (
        isinstance(observation, RunOutput) and re.search(r"\b(?:cd|pushd)\b", observation.command) is not None
    )


def _step(version: int, event: ActionProposed, answer: ObservationRecorded | None, host: str) -> RecordedStep:
    expected = None if answer is None else answer.observation
    if isinstance(expected, Cancelled | OutcomeUnknown):
        expected = None  # Nobody saw what the action did.
    foreign = None if answer is None else answer.foreign
    return RecordedStep(
        version=version,
        action=event.action,
        tool_call_id=event.tool_call_id,
        expected=expected,
        hostname=host if foreign is None else hostname_of(json.loads(foreign)),
    )


def _carried_out(
    version: int, event: ActionProposed, answers: dict[int, ObservationRecorded], started: set[int]
) -> bool:
    """Tell whether the recorded session got as far as doing it: what a person refused stays undone."""
    if event.foreign is not None and _confirmation(event.foreign) in _UNDECIDED:
        return False
    answer = answers.get(version)
    return answer is None or not isinstance(answer.observation, Cancelled) or version in started


def _confirmation(foreign: str) -> Any:  # noqa: ANN401 - another system's field
    arguments = json.loads(foreign).get("args")
    return arguments.get("confirmation_state") if isinstance(arguments, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]


def _started(records: Sequence[Record]) -> set[int]:
    started: set[int] = set()
    for record in records:
        match record.event:
            case ActionStarted(cause=int(cause)) | ForeignRecorded(name="ActionStarted", cause=int(cause)):
                started.add(cause)
            case _:
                pass
    return started


def _answers(records: Sequence[Record]) -> dict[int, ObservationRecorded]:
    """Return each action's answer: the one that names it; else the same call's; else the one right after."""
    answers: dict[int, ObservationRecorded] = {}
    for record in records:
        if isinstance(record.event, ObservationRecorded) and record.cause is not None:
            answers.setdefault(record.cause, record.event)
    calls: dict[str, int] = {}
    last: tuple[int, ActionProposed] | None = None
    for record in records:
        match record.event:
            case ActionProposed(tool_call_id=call) as action:
                last = (record.version, action)
                if call is not None and record.version not in answers:
                    calls[call] = record.version
            case ObservationRecorded(cause=None, tool_call_id=str(call)) as answer:
                if call in calls:
                    answers.setdefault(calls.pop(call), answer)
            case ObservationRecorded(cause=None) as answer if last and last[0] == record.version - 1:
                if _fits(last[1].action, answer.observation):
                    answers.setdefault(last[0], answer)
            case _:
                pass
    return answers


def _fits(action: Action, observation: Observation) -> bool:
    """Tell whether the observation right after the action can be its answer."""
    if isinstance(action, Message | Finish | Reject):
        return False
    return isinstance(observation, Failure) or kind_of(observation) == kind_of(action)


def _texts(action: Action) -> tuple[str, ...]:
    """Return the texts by which an action can name a place."""
    match action:
        case Run(command=text) | RunIPython(code=text):
            return (text,)
        case Read(path=path) | Edit(path=path) | Write(path=path):
            return (path,)
        case Other(arguments=arguments) | McpCall(arguments=arguments):
            return (json.dumps(arguments, ensure_ascii=False, default=str),)
        case Delegate(task=task):
            return (task,)
        case Think() | LoadSkill() | Finish() | Reject() | TrackTasks() | Message():
            return ()
