"""Streams to read trajectories from: what was committed to a real log, read back."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from refold.eventlog.events import Event, SessionForked
from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.stream import to_stream
from refold.eventlog.log import NO_STREAM, Append, Entry
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.record import Given, Record

AT = 1_753_000_000_123_456_789
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "trajectories"
TRAJECTORIES = Path(os.environ.get("REFOLD_TRAJECTORIES", BESIDE))
"""Real trajectories, where this machine has them; they are no part of the project."""

REAL = (
    "eval_multi_swe_ponyc-4595.json",
    "oh_replay_basic.json",
    "oh_replay_basic_interactions.json",
    "ondisk_session_63b431.json",
)

_TOP: tuple[str, ...] = ("id", "cause", "tool_call_metadata")


def committed(events: Sequence[Event], *, stream: str = "s", at: int = AT) -> tuple[Record, ...]:
    """Return the records of a stream that begins with `events`, after a trip through a log's bytes."""
    log = MemoryLog()
    given = Given(id="import", kind="Import", at=at, by="user")
    log.commit(Append(stream=stream, expected=NO_STREAM, epoch=0, entries=(Entry(given, tuple(events)),)))
    return tuple(log.read(stream))


def forked(parent: Sequence[Record], events: Sequence[Event]) -> tuple[Record, ...]:
    """Return the records of a fork of `parent` at its end that goes on with `events`."""
    log = MemoryLog()
    kept = [record.event for record in parent]
    first = Given(id="first", kind="Import", at=AT, by="user")
    log.commit(Append(stream="s", expected=NO_STREAM, epoch=0, entries=(Entry(first, tuple(kept)),)))
    head = log.head("s")
    assert head is not None
    fork = SessionForked(parent="s", version=head.version, digest=head.digest.hex(), workspace="/w")
    second = Given(id="second", kind="Fork", at=AT, by="user")
    entry = Entry(second, (fork, *events))
    log.commit(Append(stream="f", expected=head.version, epoch=1, entries=(entry,)))
    return tuple(log.read("f"))


def imported(path: Path) -> tuple[Record, ...]:
    return committed(to_stream(read_trajectory(path)).events)


def imported_list(folder: Path, events: Sequence[dict[str, Any]]) -> tuple[Record, ...]:
    """Return the records of an import of `events`, by way of a file in `folder`."""
    file = folder / "trajectory.json"
    file.write_text(json.dumps(list(events)))
    return imported(file)


def action(kind: str, source: str = "agent", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    top: dict[str, Any] = {name: fields.pop(name) for name in _TOP if name in fields}
    return {**top, "source": source, "action": kind, "args": fields}


def observation(kind: str, content: str = "", source: str = "agent", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    top: dict[str, Any] = {name: fields.pop(name) for name in _TOP if name in fields}
    return {**top, "source": source, "observation": kind, "content": content, "extras": fields}
