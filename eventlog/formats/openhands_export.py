"""Export of a stream as the trajectory that the replaced system would have kept.

What was imported is given back as it was, text for text. What Refold decided is told in that system's
words; facts it has no words for (claims, asks, connections) are left out.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    AgentStateChanged,
    CallRefused,
    Event,
    MessageReceived,
    ModelAnswered,
    ObservationRecorded,
    RecallRecorded,
    SessionFaulted,
    SessionImported,
    SystemMessageAdded,
)
from refold.eventlog.formats.openhands_shapes import (
    Json,
    action_shape,
    arguments_of,
    completion,
    function_of,
    observation_shape,
)
from refold.eventlog.observations import Cancelled, RunOutput
from refold.eventlog.record import Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def export_openhands(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return the trajectory's events."""
    return [json.loads(text) for text in export_texts(records)]


def export_texts(records: Iterable[Record]) -> list[str]:
    """Return each event of the trajectory as JSON; the originals exactly as they were found."""
    kept = tuple(records)
    export = _Export(kept)
    return [text for record in kept for text in export.texts(record)]


def export_array(records: Iterable[Record]) -> str:
    """Return the trajectory as one JSON array, one event a line."""
    texts = export_texts(records)
    return "[\n" + ",\n".join(texts) + "\n]" if texts else "[]"


class _Export:
    """Tells a stream's events one after the other, remembering what later ones refer to."""

    def __init__(self, records: tuple[Record, ...]) -> None:
        self._foreign = any(
            isinstance(record.event, SessionImported) and record.event.format.startswith("openhands")
            for record in records
        )
        self._undone = _undone(records)
        self._ids = self._numbered(records)
        self._answers: dict[int, tuple[Json, int]] = {}
        self._metadata: dict[int, Json] = {}
        self._cost: float | None = 0.0
        self._usage = {"prompt_tokens": 0, "completion_tokens": 0, "cache_read_tokens": 0}
        self._metrics: Json | None = None

    def texts(self, record: Record) -> tuple[str, ...]:
        if self._foreign and record.event.foreign is not None:
            return (record.event.foreign,)
        if isinstance(record.event, ModelAnswered):
            self._hear(record.version, record.at, record.event)
            return ()
        told = self._told(record.version, record.event)
        if told is None:
            return ()
        head: Json = {"id": self._ids[record.version], "timestamp": timestamp(record.at)}
        head |= {"source": told.pop("source"), "message": told.pop("message")}
        cause = None if record.cause is None else self._ids.get(record.cause)
        if cause is not None and isinstance(record.event, ObservationRecorded | RecallRecorded):
            head["cause"] = cause
        return (json.dumps(head | told, separators=(",", ":")),)

    def _numbered(self, records: tuple[Record, ...]) -> dict[int, int]:
        """Return each event's id: its own where it was imported, else its version, moved up past those."""
        ids: dict[int, int] = {}
        last = -1
        for record in records:
            if self._foreign and record.event.foreign is not None:
                last = record.version
                found = json.loads(record.event.foreign).get("id")
                if type(found) is int:
                    ids[record.version] = found
        shift = max(0, max(ids.values(), default=-1) - last)
        return {record.version: record.version + shift for record in records} | ids

    def _hear(self, version: int, at: int, answer: ModelAnswered) -> None:
        self._answers[version] = completion(answer, at=at, version=version), len(answer.tool_calls)
        known = self._cost is not None and answer.cost_usd is not None
        self._cost = (self._cost or 0.0) + (answer.cost_usd or 0.0) if known else None
        self._usage["prompt_tokens"] += answer.usage.prompt
        self._usage["completion_tokens"] += answer.usage.completion
        self._usage["cache_read_tokens"] += answer.usage.cached
        if self._cost is not None:
            spent = {"model": answer.model, **self._usage, "cache_write_tokens": 0, "response_id": ""}
            lists: Json = {"costs": [], "response_latencies": [], "token_usages": []}
            self._metrics = {"accumulated_cost": self._cost, "accumulated_token_usage": spent} | lists

    def _told(self, version: int, event: Event) -> Json | None:
        match event:
            case SystemMessageAdded(content=content, tools=tools):
                args: Json = {"content": content, "tools": list(tools), "openhands_version": None}
                return _action("agent", "system", content, args | {"agent_class": "CodeActAgent"})
            case MessageReceived(content=content):
                args = {"content": content, "file_urls": None, "image_urls": None, "wait_for_response": False}
                return _action("user", "message", content, args)
            case RecallRecorded(recall=recall, content=content):
                message = (
                    "Added workspace context"
                    if recall == "workspace_context"
                    else "Added microagent knowledge"
                )
                return _observation("environment", "recall", message, content, {"recall_type": recall})
            case AgentStateChanged(state=state, reason=reason):
                extras = {"agent_state": state, "reason": reason}
                return _observation("environment", "agent_state_changed", "", "", extras)
            case SessionFaulted(error=error, message=message):
                extras = {"agent_state": "error", "reason": f"{error}: {message}"}
                return _observation("environment", "agent_state_changed", "", "", extras)
            case CallRefused(reason=reason):
                return _observation("agent", "error", reason, reason, {"error_id": ""})
            case ActionProposed():
                return self._proposed(version, event)
            case ObservationRecorded():
                return self._observed(event)
            case _:
                return None

    def _proposed(self, version: int, event: ActionProposed) -> Json:
        confirmation = "rejected" if version in self._undone else "confirmed"
        shape = action_shape(event.action, confirmation=confirmation)
        fields = shape.fields
        if confirmation == "rejected":
            fields = fields | {"confirmation_state": confirmation}
        told = _action(event.by if event.by == "user" else "agent", shape.kind, shape.message, fields)
        if event.tool_call_id is not None:
            self._metadata[version] = self._call(event, event.tool_call_id)
            told["tool_call_metadata"] = self._metadata[version]
        if event.cause in self._answers and self._metrics is not None:
            told["llm_metrics"] = self._metrics
        timeout = getattr(event.action, "timeout", None)
        return told if timeout is None else told | {"timeout": timeout}

    def _call(self, event: ActionProposed, call: str) -> Json:
        """Return the call with the whole answer it stood in; where no model was asked, with one made up."""
        function, arguments = function_of(event.action), json.dumps(arguments_of(event.action))
        made: Json = {"function": {"arguments": arguments, "name": function}, "id": call, "type": "function"}
        message = {"content": event.action.thought or None, "role": "assistant", "tool_calls": [made]}
        response: Json = {"id": f"refold-{call}", "object": "chat.completion", "model": ""}
        response["choices"] = [{"finish_reason": "tool_calls", "index": 0, "message": message}]
        answer, total = self._answers.get(-1 if event.cause is None else event.cause, (response, 1))
        return {
            "function_name": function,
            "tool_call_id": call,
            "model_response": answer,
            "total_calls_in_response": total,
        }

    def _observed(self, event: ObservationRecorded) -> Json | None:
        shape = observation_shape(event.observation)
        if shape is None:
            return None
        told = _observation("agent", shape.kind, shape.message, event.observation.content, shape.fields)
        call = None if event.cause is None else self._metadata.get(event.cause)
        if call is not None:
            told["tool_call_metadata"] = call
        if isinstance(event.observation, RunOutput) and event.observation.exit_code is not None:
            told["success"] = event.observation.exit_code == 0
        return told


def timestamp(at: int) -> str:
    """Return the time as trajectories write it: ISO, UTC, without saying so."""
    return (_EPOCH + timedelta(microseconds=at // 1000)).replace(tzinfo=None).isoformat()


def _action(source: str, kind: str, message: str, args: Json) -> Json:
    return {"source": source, "message": message, "action": kind, "args": args}


def _observation(source: str, kind: str, message: str, content: str, extras: Json) -> Json:
    return {
        "source": source,
        "message": message,
        "observation": kind,
        "content": content,
        "extras": extras,
    }


def _undone(records: Iterable[Record]) -> set[int]:
    """Return the actions that were cancelled before they began: nobody may take them for done."""
    started: set[int] = set()
    cancelled: set[int] = set()
    for record in records:
        match record.event:
            case ActionStarted(cause=int(cause)):
                started.add(cause)
            case ObservationRecorded(cause=int(cause), observation=Cancelled()):
                cancelled.add(cause)
            case _:
                pass
    return cancelled - started
