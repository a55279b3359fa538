"""The observations of recorded trajectories, read as ours."""

from collections.abc import Mapping
from typing import Any

from refold.eventlog.formats.plain import plain, table_of, text_of
from refold.eventlog.observations import (
    Failure,
    FileContent,
    FileEdited,
    FileWritten,
    Observation,
    OtherObservation,
    RunOutput,
    Thought,
)

_STILL_RUNNING = -1


def observation_of(event: Mapping[str, Any]) -> Observation:
    """Return the observation that the event records."""
    content, extras = text_of(event.get("content")), table_of(event.get("extras"))
    match text_of(event.get("observation")):
        case "run":
            return RunOutput(
                content=content,
                exit_code=_exit_code(event, extras),
                command=text_of(extras.get("command")),
                directory=text_of(table_of(extras.get("metadata")).get("working_dir")),
            )
        case "read":
            return FileContent(content=content, path=text_of(extras.get("path")))
        case "write":
            return FileWritten(content=content, path=text_of(extras.get("path")))
        case "edit":
            return _edited(content, extras)
        case "think":
            return Thought(content=content)
        case "error":
            return Failure(content=content)
        case kind:
            return OtherObservation(content=content, name=kind, fields=table_of(plain(extras)))


def hostname_of(event: Mapping[str, Any]) -> str:
    """Return the name of the machine that answered, as far as it was recorded."""
    extras = table_of(event.get("extras"))
    return text_of(table_of(extras.get("metadata")).get("hostname"))


def _edited(content: str, extras: dict[str, Any]) -> FileEdited:
    """Read an edit's answer.

    Older recordings hold the whole file before and after. Newer ones, known by their `diff`, hold there
    what the call was given (`old_str`, `new_str`) and always say that the file did not exist: those say
    nothing of the file, and are left to the original.
    """
    path = text_of(extras.get("path"))
    if "diff" in extras:
        return FileEdited(content=content, path=path)
    return FileEdited(
        content=content,
        path=path,
        existed=extras.get("prev_exist") is not False,
        old_content=_maybe(extras, "old_content"),
        new_content=_maybe(extras, "new_content"),
    )


def _exit_code(event: Mapping[str, Any], extras: dict[str, Any]) -> int:
    for place in (table_of(extras.get("metadata")), extras):
        found = place.get("exit_code")
        if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 2**31:
            return found
    return 0 if event.get("success") is True else _STILL_RUNNING


def _maybe(extras: Mapping[str, Any], name: str) -> str | None:
    value = extras.get(name)
    return None if value is None else text_of(value)
