"""A scene: what a session is put through, and what must have come of it, wherever it is played."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from refold.actors.session.commands import Command
from refold.actors.session.state import State
from refold.eventlog.events import (
    AgentState,
    AgentStateChanged,
    Event,
    ModelAnswered,
    ModelFailed,
    SessionFaulted,
)
from refold.eventlog.record import Record
from tests.simulation.lifecycle import Verb, command

STREAM = "session"


class Cue(Struct, frozen=True, kw_only=True):
    """Once such an event is in the log for the `times`-th time, a person does `verb`."""

    after: Callable[[Event], bool]
    times: int = 1
    verb: Verb

    def is_given(self, records: Sequence[Record]) -> bool:
        return sum(self.after(record.event) for record in records) >= self.times


def fact(kind: type[Event]) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind)


def becomes(state: AgentState) -> Callable[[Event], bool]:
    return lambda event: (
        (isinstance(event, AgentStateChanged) and event.state == state)
        or (isinstance(event, SessionFaulted) and state == "error")
    )


class Scene(Struct, frozen=True, kw_only=True):
    """`defect` is what the replaced system did. `expect` is shown every record when all is over.

    A kill or a crash may bring a person's words too late to be heard. Then it is another scene, of which the
    laws of every session are all that can be asked.
    """

    name: str
    defect: str
    lines: tuple[ModelAnswered | ModelFailed, ...]
    cues: tuple[Cue, ...] = ()
    options: Mapping[str, Any] = {}
    """Keywords of `System.start`, which are settings in simulation."""
    before: type[Event] | None = None
    """The first cue is to be acted on before the first of these, for instance while an action runs."""
    secrets: Mapping[str, str] = {}
    """Environment variables that the session's secrets are in."""
    helpers: Mapping[str, tuple[ModelAnswered | ModelFailed, ...]] = {}
    """What agents say that may be delegated to, by their name."""
    blunder: tuple[str, int] | None = None
    """The label of a point at which our own code fails, and how often."""
    files: Mapping[str, str] = {}
    """What lies in the workspace."""
    launches_fail: int = 0
    """How many launches of a runner fail, in simulation."""
    ends: AgentState | None = "finished"
    """The last state that is recorded; None where it is closed before there is any."""
    expect: Callable[[Sequence[Record]], None]

    def is_played(self, records: Sequence[Record]) -> bool:
        """Return whether everything that a person was to do was done, and in time."""
        done = {record.command: record.version for record in reversed(records)}
        too_late = next(
            (r.version for r in records if self.before and isinstance(r.event, self.before)), None
        )
        in_time = too_late is None or done.get("cue/0", 0) <= too_late
        return in_time and all(f"cue/{number}" in done for number in range(len(self.cues)))

    def check(self, records: Sequence[Record]) -> None:
        """Raise `AssertionError` unless it came out as it must."""
        states = [event.state for event in (r.event for r in records) if isinstance(event, AgentStateChanged)]
        last = states[-1] if states else None
        assert last == self.ends, f"it ended {last}"
        self.expect(records)

    def said(self, number: int, state: State, at: int) -> Command:
        """Return what a person does at a cue: the same command each time, so that it is done once."""
        return command(self.cues[number].verb, f"cue/{number}", at, state)


class Cues:
    """Which cues were given and not acted on: a person insists until the log knows the command."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.records: list[Record] = []
        self._acted = 0

    @property
    def next(self) -> int | None:
        """Return the number of the cue that is to be acted on now; they come one after the other."""
        if self._acted >= len(self._scene.cues) or not self._scene.cues[self._acted].is_given(self.records):
            return None
        return self._acted

    @property
    def outstanding(self) -> bool:
        return self._acted < len(self._scene.cues)

    def acted(self) -> None:
        self._acted += 1


def script(lines: Sequence[ModelAnswered | ModelFailed]) -> str:
    """Return the lines as a file that `script:FILE` reads."""
    return "".join(json.dumps(_line(number, line)) + "\n" for number, line in enumerate(lines))


def _line(number: int, line: ModelAnswered | ModelFailed) -> dict[str, Any]:
    if isinstance(line, ModelFailed):
        error = {"status": line.status, "message": line.message, "retry_after": line.retry_after_s}
        return {"error": error}
    calls = [
        {
            "id": f"{call.id}_{number}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in line.tool_calls
    ]
    message = {"role": "assistant", "content": line.content, "tool_calls": calls or None}
    return {"id": f"r{number}", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
