"""Where the world answered otherwise than it did when the session was recorded."""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from refold.eventlog.events import ActionProposed, ObservationRecorded, StepReenacted
from refold.eventlog.observations import (
    Failure,
    FileEdited,
    Finished,
    Observation,
    RunOutput,
    TaskList,
    Thought,
)
from refold.eventlog.record import Record
from refold.projections.likeness import Setting, same, same_file
from refold.projections.reenactment import WORKSPACE, RecordedStep, Recording, workspace_of
from refold.projections.render import kind_of

_FAILED = "ERROR:"
"""How recorded edits and reads begin that did not work."""


type Value = str | int | bool | None


class Difference(Struct, frozen=True):
    """One field of an answer, as recorded and as found."""

    field: str
    expected: Value
    found: Value


class Drift(Struct, frozen=True):
    """A difference, and the version of its action in the session that re-enacts."""

    version: int
    field: str
    expected: Value
    found: Value


def compare(
    expected: Observation,
    found: Observation,
    *,
    workspace_expected: str = WORKSPACE,
    workspace_found: str = WORKSPACE,
    hostnames: Collection[str] = (),
) -> tuple[Difference, ...]:
    """Return where `found` differs; pids, times, ports, `hostnames` and the workspace's path do not count."""
    command = next((o.command for o in (found, expected) if isinstance(o, RunOutput) and o.command), "")
    there = Setting(workspace=workspace_expected, hostnames=hostnames, command=command)
    here = Setting(workspace=workspace_found, hostnames=hostnames, command=command)
    return tuple(
        Difference(field, recorded, answered)
        for field, recorded, answered in _pairs(expected, found)
        if not _alike(field, recorded, answered, there, here)
    )


def _alike(field: str, expected: Value, found: Value, there: Setting, here: Setting) -> bool:
    match field, expected, found:
        case "content", str(), str():
            return same(expected, found, there, here)
        case "old_content" | "new_content", str(), str():
            return same_file(expected, found, there, here)
        case _:
            return expected == found


def _pairs(expected: Observation, found: Observation) -> list[tuple[str, Value, Value]]:
    """Return what is to be compared: each field with its value as recorded and as found."""
    match expected, found:
        case (Thought(), Thought()) | (Finished(), Finished()) | (_, TaskList()):
            return []  # What a tool says to a thought is a form of words.
        case RunOutput(), RunOutput():
            code = expected.exit_code
            return [
                ("exit_code", code, None if code is None else found.exit_code),
                ("content", expected.content, found.content),
            ]
        case FileEdited(new_content=str()), FileEdited(new_content=str()) if not _failed(expected):
            # Whole files say more than the words around them, which differ between the two systems.
            before = expected.old_content
            return [
                ("existed", expected.existed, found.existed),
                ("old_content", before, found.old_content if before is not None else None),
                ("new_content", expected.new_content, found.new_content),
            ]
        case _:
            return [
                ("kind", _kind(expected), _kind(found)),
                ("content", _message(expected), _message(found)),
            ]


def drift(
    steps: Iterable[RecordedStep],
    found: Mapping[int, tuple[int, Observation]],
    *,
    workspace_expected: str = WORKSPACE,
    workspace_found: str = WORKSPACE,
    hostnames: Collection[str] = (),
) -> tuple[Drift, ...]:
    """Return every difference, in the order of the recording.

    `found` maps a step's version in the recording to its action's version and answer here. An action that
    was recorded without an answer cannot drift.
    """
    drifts: list[Drift] = []
    for step in steps:
        if step.expected is None or step.version not in found:
            continue
        version, answer = found[step.version]
        names = {step.hostname, *hostnames} - {""}
        differences = compare(
            step.expected,
            answer,
            workspace_expected=workspace_expected,
            workspace_found=workspace_found,
            hostnames=names,
        )
        drifts.extend(Drift(version, d.field, d.expected, d.found) for d in differences)
    return tuple(drifts)


def drift_of(
    recording: Recording, records: Iterable[Record], *, hostnames: Collection[str] = ()
) -> tuple[Drift, ...]:
    """Return where a session that re-enacted `recording` differs from it; `records` are that session's."""
    kept = tuple(records)
    return drift(
        recording.steps,
        answers_by_source(kept),
        workspace_expected=recording.workspace,
        workspace_found=workspace_of(kept),
        hostnames=hostnames,
    )


def answers_by_source(records: Iterable[Record]) -> dict[int, tuple[int, Observation]]:
    """Return, for each recorded step that was carried out again, its action's version here and its answer."""
    source: int | None = None
    sources: dict[int, int] = {}
    answers: dict[int, tuple[int, Observation]] = {}
    for record in records:
        match record.event:
            case StepReenacted(source=version, end=end):
                source = None if end else version
            case ActionProposed() if source is not None:
                sources[record.version], source = source, None
            case ObservationRecorded(cause=int(cause), observation=observation) if cause in sources:
                answers.setdefault(sources[cause], (cause, observation))
            case _:
                pass
    return answers


def _failed(observation: Observation) -> bool:
    return isinstance(observation, Failure) or (
        kind_of(observation) in ("edit", "read") and observation.content.startswith(_FAILED)
    )


def _kind(observation: Observation) -> str:
    return "error" if _failed(observation) else kind_of(observation)


def _message(observation: Observation) -> str:
    return observation.content.removeprefix(_FAILED).lstrip() if _failed(observation) else observation.content
