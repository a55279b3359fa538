"""Finds out what kind of trajectory a file or folder holds, and reads it.

Of OpenHands it knows a list of events; an object around such a list (`trajectory`, `history`, `events`), in a
file of its own or as the one line of an evaluation's output; one event per line; and a session's folder with
one file per event. Besides: ATIF, the files of SWE-agent and mini-swe-agent, and what `refold export` prints.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from refold.eventlog.formats import atif, mini_swe_agent, swe_agent
from refold.eventlog.formats.pieces import is_piece
from refold.eventlog.formats.plain import rows_of, table_of, text_of
from refold.eventlog.formats.slices import (
    NotJSON,
    Slice,
    elements,
    lines,
    members,
    rest_is_empty,
    slice_at,
    squeeze,
)
from refold.eventlog.formats.trajectory import (
    ATIF,
    MINI_SWE_AGENT,
    REFOLD_JSONL,
    SWE_AGENT,
    ForeignEvent,
    Trajectory,
    TrajectoryUnreadable,
)

_LIST_KEYS = ("trajectory", "history", "events", "steps", "messages")
_EXCERPT_CHARACTERS = 60
_EVENT_FILE = re.compile(r"(\d+)\.json")
_RECORD_KEYS = {"position", "version", "stream", "type", "data"}


def read_trajectory(path: Path) -> Trajectory:
    """Return the trajectory at `path`, a file or folder; raise `TrajectoryUnreadable` with what is wrong."""
    try:
        if path.is_dir():
            return _read_directory(path)
        return _read_text(_text_of(path), str(path))
    except OSError as error:
        raise TrajectoryUnreadable(f"{path}: {error.strerror or error}") from None


def _text_of(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrajectoryUnreadable(f"{path}: not JSON: no UTF-8 text at byte {error.start}") from None
    if not text.strip():
        raise TrajectoryUnreadable(f"{path}: the file is empty")
    return text


def _read_directory(path: Path) -> Trajectory:
    """Read one event per file, in the order of the numbers that name them (9 before 10)."""
    folder = path / "events" if (path / "events").is_dir() else path
    numbered = sorted(
        (int(match[1]), file) for file in folder.iterdir() if (match := _EVENT_FILE.fullmatch(file.name))
    )
    if not numbered:
        raise TrajectoryUnreadable(f"{path}: no events in it (a session's folder holds events/0.json …)")
    parts: list[Slice] = []
    for _, file in numbered:
        text = _text_of(file)
        try:
            part, end = slice_at(text, 0)
            if not rest_is_empty(text, end):
                raise NotJSON("something follows the event")  # noqa: TRY301 - told like every other fault
        except NotJSON as error:
            raise TrajectoryUnreadable(f"{file}: not JSON: {error}") from None
        parts.append(part)
    names = [str(file) for _, file in numbered]
    return Trajectory(source=str(path), format="openhands-directory", events=_events(parts, str(path), names))


def _read_text(text: str, source: str) -> Trajectory:
    try:
        match text.lstrip(" \t\r\n")[:1]:
            case "[":
                parts, end = elements(text)
                if not rest_is_empty(text, end):
                    raise NotJSON("something follows the list of events")  # noqa: TRY301 - as above
                return _of_list(parts, source, "openhands-list", None)
            case "{":
                spans, end = members(text)
                if not rest_is_empty(text, end):
                    return _of_lines(text, source)
                return _of_container(text, spans, source) or _of_lines(squeeze(text), source)
            case _:
                raise NotJSON("expecting a list or an object")  # noqa: TRY301 - as above
    except NotJSON as error:
        raise TrajectoryUnreadable(f"{source}: not JSON: {error}") from None


def _of_container(text: str, spans: dict[str, tuple[int, int]], source: str) -> Trajectory | None:
    """Read an object around a list; None when it is not one."""
    for key in () if "source" in spans else _LIST_KEYS:
        if key not in spans:
            continue
        start, end = spans[key]
        if text[start] != "[":
            raise TrajectoryUnreadable(f"{source}: {key!r} is no list of events but {text[start:end][:40]}")
        parts, _ = elements(text, start)
        around = ",".join(f"{json.dumps(name)}:{text[a:b]}" for name, (a, b) in spans.items() if name != key)
        envelope = f'{{"key":"{key}","rest":{{{squeeze(around)}}}}}'
        match key:
            case "steps":
                return _of_atif(parts, source, envelope)
            case "messages":
                return _of_items(parts, source, MINI_SWE_AGENT, envelope)
            case "trajectory" if parts and swe_agent.is_step(parts[0].value):
                return _of_items(parts, source, SWE_AGENT, envelope)
            case _:
                return _of_list(parts, source, f"openhands-{key}", envelope)
    return None


def _of_atif(parts: Sequence[Slice], source: str, envelope: str) -> Trajectory:
    """Read ATIF; one that we exported holds the records that it was made of, and those are taken."""
    around = table_of(json.loads(envelope)["rest"])
    version = text_of(around.get("schema_version"))
    if not version.startswith("ATIF-v1."):
        raise TrajectoryUnreadable(
            f"{source}: its 'schema_version' is {version or 'missing'}; it must be ATIF-v1.0 or a later 1.x"
        )
    records = atif.records_in(envelope, parts)
    if records:
        delegates = len(rows_of(around.get("subagent_trajectories")))
        return replace(_of_records(records, source), losses=atif.subagents(delegates))
    return _of_items(parts, source, ATIF, envelope)


_FAULTS: dict[str, Callable[[Any], str | None]] = {
    ATIF: atif.fault_of,
    SWE_AGENT: swe_agent.fault_of,
    MINI_SWE_AGENT: mini_swe_agent.fault_of,
}


def _of_items(parts: Sequence[Slice], source: str, form: str, envelope: str | None) -> Trajectory:
    events = _events(
        parts, source, fault_of=_FAULTS[form], noun="message" if form == MINI_SWE_AGENT else "step"
    )
    return Trajectory(source=source, format=form, events=events, envelope=envelope)


def _of_lines(text: str, source: str) -> Trajectory:
    parts: list[Slice] = []
    for number, line in lines(text):
        try:
            part, end = slice_at(line, 0)
            if not rest_is_empty(line, end):
                raise NotJSON("something follows the object")  # noqa: TRY301 - told like every other fault
        except NotJSON as error:
            raise TrajectoryUnreadable(f"{source}: line {number} is not JSON: {error}") from None
        parts.append(part)
    if all(table_of(part.value).keys() >= _RECORD_KEYS for part in parts):
        return _of_records(parts, source)
    holders = [part for part in parts if _holds_a_list(table_of(part.value))]
    if len(holders) > 1:
        raise TrajectoryUnreadable(
            f"{source}: it holds {len(holders)} sessions, one a line; give one of them"
        )
    if len(holders) == len(parts):
        return _read_text(holders[0].text, source)
    return _of_list(parts, source, "openhands-lines", None)


def _holds_a_list(value: dict[str, Any]) -> bool:
    return "source" not in value and any(key in value for key in _LIST_KEYS)


def _of_records(parts: Sequence[Slice], source: str) -> Trajectory:
    """Read our own records; those of a stream that was itself imported give back what it was made of."""
    if all("foreign" in part.value["data"] for part in parts[1:]) and len(parts) > 1:
        return _of_originals(
            table_of(parts[0].value["data"]), [_original(part.text) for part in parts[1:]], source
        )
    events = tuple(ForeignEvent(part.text, part.value) for part in parts)
    return Trajectory(source=source, format=REFOLD_JSONL, events=events)


def _of_originals(head: dict[str, Any], parts: Sequence[Slice], source: str) -> Trajectory:
    """Read what an import was made of once more, as what it had been found to be."""
    form, envelope = text_of(head.get("format")), head.get("envelope")
    if form == REFOLD_JSONL:
        return _of_records(parts, source)
    if form not in _FAULTS:
        return _of_list(parts, source, "openhands-list", None)
    whole = [part for part in parts if not is_piece(part.text)]
    if form == SWE_AGENT:  # Its instructions and its task stand in the envelope, and are read from there.
        whole = [part for part in whole if swe_agent.fault_of(part.value) is None]
    return _of_items(whole, source, form, envelope if isinstance(envelope, str) else None)


def _original(text: str) -> Slice:
    data, _ = members(text)[0]["data"]
    start, _ = members(text, data)[0]["foreign"]
    return slice_at(text, start)[0]


def _of_list(parts: Sequence[Slice], source: str, form: str, envelope: str | None) -> Trajectory:
    if parts and mini_swe_agent.is_message(parts[0].value):
        return _of_items(parts, source, MINI_SWE_AGENT, envelope)
    flat = _flat(parts)
    return Trajectory(source=source, format=form, events=_events(flat, source), envelope=envelope)


def _flat(parts: Sequence[Slice]) -> Sequence[Slice]:
    """Return pairs of action and observation, as older evaluations kept them, one after the other."""
    if not parts or not all(_is_pair(part.value) for part in parts):
        return parts
    return [half for part in parts for half in elements(part.text)[0]]


def _is_pair(value: Any) -> bool:  # noqa: ANN401 - JSON can be anything
    return [isinstance(half, dict) for half in rows_of(value)] == [True, True]


def _events(
    parts: Sequence[Slice],
    source: str,
    names: Sequence[str] = (),
    *,
    fault_of: Callable[[Any], str | None] | None = None,
    noun: str = "event",
) -> tuple[ForeignEvent, ...]:
    """Return the parts as events, each checked for the envelope that every event has."""
    if not parts:
        raise TrajectoryUnreadable(f"{source}: it holds no {noun}s")
    found: list[ForeignEvent] = []
    for index, part in enumerate(parts):
        fault = (fault_of or _fault)(part.value)
        if fault:
            where = names[index] if names else source
            raise TrajectoryUnreadable(f"{where}: {noun} {index}{_named(part.value)}: {fault}")
        found.append(ForeignEvent(part.text, part.value))
    return tuple(found)


def _fault(value: Any) -> str | None:  # noqa: ANN401 - JSON can be anything
    """Return what the value lacks to be an event; None when it is one."""
    event = table_of(value)
    if not isinstance(value, dict):
        return f"not an object but {type(value).__name__}"
    if "source" not in event:
        return "no 'source'"
    if event.get("action") is None and "observation" in event:
        return None if "content" in event else "an observation without 'content'"
    if "action" in event:
        return None if "args" in event else "an action without 'args'"
    return "neither 'action' nor 'observation'"


def _named(value: Any) -> str:  # noqa: ANN401 - JSON can be anything
    """Return the event's own id and kind, in brackets, where it has them."""
    event = table_of(value)
    keys = ("id", "step_id", "action", "observation")
    known = [f"{key} {_short(repr(event[key]))}" for key in keys if key in event]
    return f" ({', '.join(known)})" if known else ""


def _short(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARACTERS else f"{text[:_EXCERPT_CHARACTERS]} …"
