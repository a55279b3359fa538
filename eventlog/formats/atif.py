"""Import of the Agent Trajectory Interchange Format (ATIF, versions 1.x), whoever wrote it.

A step becomes a message, or one action for each of its calls and one observation for each of its results.
What Refold itself exported brings the records that it was made of along: see `records_in`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from refold.eventlog.actions import Message
from refold.eventlog.events import (
    ActionProposed,
    Event,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    SystemMessageAdded,
)
from refold.eventlog.formats.calls import action_of_call, answer_to
from refold.eventlog.formats.losses import Losses
from refold.eventlog.formats.pieces import Pieces
from refold.eventlog.formats.plain import pictures_in, plain, rows_of, table_of, text_of, words_of
from refold.eventlog.formats.slices import Slice, elements, members
from refold.eventlog.formats.trajectory import Trajectory

type Json = Mapping[str, Any]

OURS = "refold"
"""Where in an `extra` our records stand: those of a step in its own, those before the first in the root's."""
_SUBAGENT = "a subagent's trajectory"
_SOURCES = ("system", "user", "agent")


def fault_of(value: Any) -> str | None:  # noqa: ANN401 - JSON can be anything
    """Return what a step lacks to be one; None when it is."""
    step = table_of(value)
    if not isinstance(value, dict):
        return f"not an object but {type(value).__name__}"
    if step.get("source") not in _SOURCES:
        return f"'source' is {step.get('source')!r}; it is one of {', '.join(_SOURCES)}"
    return None if "message" in step else "no 'message'"


def records_in(envelope: str, steps: Sequence[Slice]) -> list[Slice]:
    """Return the records that our own export was made of, in order; none if one of them is missing."""
    rest, _ = members(envelope)[0]["rest"]
    said = table_of(table_of(json.loads(envelope)["rest"].get("extra")).get(OURS))
    count = said.get("records")
    if type(count) is not int or count < 1:
        return []
    found = [*_listed(envelope, rest, "extra", OURS, "before")]
    for step in steps:
        found += _listed(step.text, 0, "extra", OURS)
    found.sort(key=lambda record: _version(record.value))
    return found if [_version(record.value) for record in found] == list(range(count)) else []


def subagents(count: int) -> tuple[str, ...]:
    """Return the loss of so many subagents: each had a session of its own, and an import makes one."""
    losses = Losses()
    losses.add(_SUBAGENT, count)
    return losses.told()


def _listed(text: str, at: int, *path: str) -> Iterator[Slice]:
    """Yield the elements of the list that stands at `path` in the object at `at`, if there is one."""
    for name in path:
        if not text.startswith("{", at) or name not in (found := members(text, at)[0]):
            return
        at = found[name][0]
    if text.startswith("[", at):
        yield from elements(text, at)[0]


def _version(record: Any) -> int:  # noqa: ANN401 - JSON can be anything
    version = table_of(record).get("version")
    return version if type(version) is int and "data" in table_of(record) else -1


def events_of(trajectory: Trajectory) -> tuple[list[Event], tuple[str, ...]]:
    """Return the events and what became none."""
    around = table_of(table_of(json.loads(trajectory.envelope or "{}")).get("rest"))
    reading = _Reading(around)
    for step in trajectory.events:
        reading.read(step.text, step.value)
    return reading.pieces.events, reading.losses.told()


class _Reading:
    def __init__(self, around: Json) -> None:
        self.pieces = Pieces()
        self.losses = Losses()
        self._tools = tuple(
            table_of(plain(tool)) for tool in rows_of(table_of(around.get("agent")).get("tool_definitions"))
        )
        self._instructed = False
        self.losses.add(_SUBAGENT, len(rows_of(around.get("subagent_trajectories"))))
        self.losses.add(
            "the continuation in another file", around.get("continued_trajectory_ref") is not None
        )

    def read(self, text: str, step: Json) -> None:
        self.pieces.begin(text)
        said = words_of(step.get("message"))
        self.losses.add("an image or sound", pictures_in(step.get("message")))
        match step.get("source"):
            case "user":
                self.pieces.add(MessageReceived(content=said, by="user"))
                self._results(step, {}, None)
            case "system" if self._instructed or "observation" in step:
                self.pieces.add(ForeignRecorded(name="system", by="system"))
                self.losses.add("a note of the system")
            case "system":
                self._instructed = True
                self.pieces.add(SystemMessageAdded(content=said, tools=self._tools, by="system"))
            case _:
                self._turn(step, said)

    def _turn(self, step: Json, said: str) -> None:
        self.losses.add("reasoning", step.get("reasoning_content") is not None)
        calls: dict[str, int] = {}
        only: int | None = None
        for index, call in enumerate(map(table_of, rows_of(step.get("tool_calls")))):
            action = action_of_call(
                text_of(call.get("function_name")),
                table_of(call.get("arguments")),
                said if index == 0 else "",
            )
            call_id = None if call.get("tool_call_id") is None else text_of(call.get("tool_call_id"))
            event = ActionProposed(action=action, tool_call_id=call_id, by="agent")
            only = self.pieces.add(event, f"tool_calls[{index}]")
            if call_id is not None:
                calls[call_id] = only
        if only is None:
            waits = step.get("observation") is None
            self.pieces.add(ActionProposed(action=Message(content=said, waits=waits), by="agent"))
        self._results(step, calls, only if len(rows_of(step.get("tool_calls"))) == 1 else None)

    def _results(self, step: Json, calls: Mapping[str, int], only: int | None) -> None:
        """Add what came of the calls; a result that names none answers the only one there is."""
        answered: set[int] = set()
        for index, result in enumerate(
            map(table_of, rows_of(table_of(step.get("observation")).get("results")))
        ):
            self.losses.add("an image or sound", pictures_in(result.get("content")))
            self.losses.add("a reference to a subagent", len(rows_of(result.get("subagent_trajectory_ref"))))
            call_id = result.get("source_call_id")
            cause = only if call_id is None else calls.get(text_of(call_id))
            place = f"observation.results[{index}]"
            proposed = None if cause is None else self.pieces.events[cause - 1]
            if cause in answered or not isinstance(proposed, ActionProposed):
                self.pieces.add(ForeignRecorded(name="result", by="system"), place)
                self.losses.add("a result that belongs to no call")
                continue
            answered.add(cause or 0)
            answer = answer_to(proposed.action, words_of(result.get("content")))
            self.pieces.add(
                ObservationRecorded(
                    observation=answer, tool_call_id=proposed.tool_call_id, cause=cause, by="system"
                ),
                place,
            )
