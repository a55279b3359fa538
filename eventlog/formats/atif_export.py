"""Export of a stream in the Agent Trajectory Interchange Format (ATIF).

A step is a message, or an answer of a model with its calls and what came of them. Facts that the format has
no words for stand, as every other record, in the `extra` of the step that they belong to: nothing is lost,
and an import gives the same stream back. What was imported from ATIF and never went on is exported as it was.
"""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from refold.eventlog.actions import Action, Message
from refold.eventlog.events import (
    ActionProposed,
    CallRefused,
    Event,
    MessageReceived,
    ModelAnswered,
    ObservationRecorded,
    RecallRecorded,
    SessionClaimed,
    SessionForked,
    SessionImported,
    SessionStarted,
    SettingsChanged,
    SystemMessageAdded,
    ToolCall,
)
from refold.eventlog.formats.atif import OURS
from refold.eventlog.formats.openhands_shapes import arguments_of, function_of
from refold.eventlog.formats.pieces import is_piece
from refold.eventlog.formats.plain import plain
from refold.eventlog.formats.trajectory import ATIF
from refold.eventlog.observations import DelegateResult, Observation
from refold.eventlog.record import Record

type Json = dict[str, Any]

SCHEMA_VERSION = "ATIF-v1.6"
SCHEMA_VERSION_WITH_SUBAGENTS = "ATIF-v1.7"
"""The lowest that knows all that we write; a reader of a later 1.x knows it too."""

type Streams = Callable[[str], Iterable[Record]]
"""Gives the records of another stream, none if there is no such stream."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def export_atif(
    records: Iterable[Record], *, line: Callable[[Record], str], streams: Streams = lambda _: ()
) -> str:
    """Return the trajectory as one JSON object, a step a line.

    `line` renders a record as JSON; from `streams` come those of delegates, which are put inside.
    """
    kept = tuple(records)
    return _original(kept) or _Export(line, streams).told(kept)


def _original(records: tuple[Record, ...]) -> str | None:
    """Return the document that the stream was imported from; None if it was not, or has gone on since."""
    head = records[0].event if records else None
    if not isinstance(head, SessionImported) or head.format != ATIF or head.envelope is None:
        return None
    texts = [record.event.foreign for record in records[1:]]
    steps = [text for text in texts if text is not None and not is_piece(text)]
    rest = head.envelope.partition(',"rest":')[2][1:-2]
    return f"{{{rest}{',' if rest else ''}{_array('steps', steps)}}}" if None not in texts else None


class _Result(NamedTuple):
    call: str | None
    content: str
    delegate: str | None = None


class _Step:
    """One step as it grows: results come in later than the calls that they answer."""

    def __init__(self, fields: Json) -> None:
        self.fields = fields
        self.results: list[_Result] = []
        self.lines: list[str] = []

    def told(self, number: int) -> str:
        fields = {"step_id": number, **self.fields}
        if self.results:
            known = {call["tool_call_id"] for call in fields.get("tool_calls", ())}
            fields["observation"] = {"results": [_result(each, known) for each in self.results]}
        text = json.dumps(fields, separators=(",", ":"))
        return f'{text[:-1]},"extra":{{"{OURS}":[{",".join(self.lines)}]}}}}'


class _Export:
    """Tells a stream step by step; `_places` says into which step, and under which id, an answer goes."""

    def __init__(self, line: Callable[[Record], str], streams: Streams) -> None:
        self._line = line
        self._streams = streams
        self._delegates: dict[str, str] = {}
        self._steps: list[_Step] = []
        self._before: list[str] = []
        self._places: dict[int, tuple[_Step, str | None]] = {}
        self._agent: Json = {"name": "refold", "version": "unknown"}
        self._totals = {"total_prompt_tokens": 0, "total_completion_tokens": 0, "total_cached_tokens": 0}
        self._cost: float | None = 0.0

    def told(self, records: tuple[Record, ...], name: str | None = None) -> str:
        """Return the document; `name` tells it from others in the one that it is put into."""
        for record in records:
            self._note(record.event)
            step = self._step(record)
            lines = self._before if step is None else step.lines
            lines.append(self._line(record))
        metrics = {**self._totals, "total_cost_usd": self._cost, "total_steps": len(self._steps)}
        inside = name is not None or bool(self._delegates)
        root: Json = {"schema_version": SCHEMA_VERSION_WITH_SUBAGENTS if inside else SCHEMA_VERSION}
        root |= {"session_id": records[-1].stream if records else "", "trajectory_id": name}
        root |= {"agent": self._agent, "final_metrics": _without_nulls(metrics)}
        root = _without_nulls(root)
        ours = f'"extra":{{"{OURS}":{{"records":{len(records)},"before":[{",".join(self._before)}]}}}}'
        steps = _array("steps", [step.told(number) for number, step in enumerate(self._steps, start=1)])
        delegates = (
            f",{_array('subagent_trajectories', [*self._delegates.values()])}" if self._delegates else ""
        )
        return f"{json.dumps(root, separators=(',', ':'))[:-1]},{ours},{steps}{delegates}}}"

    def _note(self, event: Event) -> None:
        """Take what is said of the whole: who the agent was, and what it could call."""
        match event:
            case SessionClaimed(code=code):
                self._agent["version"] = code
            case SessionStarted(settings=settings) if settings.model is not None:
                self._agent["model_name"] = settings.model
            case SessionForked(settings=settings) if settings is not None and settings.model is not None:
                self._agent["model_name"] = settings.model
            case SettingsChanged(model=str(model)):
                self._agent["model_name"] = model
            case SystemMessageAdded(tools=tools) if tools:
                self._agent["tool_definitions"] = list(tools)
            case _:
                pass

    def _step(self, record: Record) -> _Step | None:
        """Return the step that the record belongs to, a new one where it begins one."""
        match record.event:
            case SystemMessageAdded(content=content) | RecallRecorded(content=content) if content:
                return self._begin(record, {"source": "system", "message": content})
            case MessageReceived(content=content):
                return self._begin(record, {"source": "user", "message": content})
            case ModelAnswered() as answer:
                return self._answered(record, answer)
            case CallRefused(cause=int(cause), tool_call_id=call, reason=reason) if cause in self._places:
                step, _ = self._places[cause]
                step.results.append(_Result(call, reason))
                return step
            case ActionProposed() as proposed:
                return self._proposed(record, proposed)
            case ObservationRecorded(cause=int(cause), observation=observation) if cause in self._places:
                step, call = self._places[cause]
                step.results.append(_Result(call, observation.content, self._delegate(observation)))
                return step
            case _:
                return self._steps[-1] if self._steps else None

    def _delegate(self, observation: Observation) -> str | None:
        """Return the name of the delegate that answered, once its own trajectory is told."""
        if not isinstance(observation, DelegateResult):
            return None
        name = observation.session
        if name not in self._delegates:
            records = tuple(self._streams(name))
            if not records:
                return None
            self._delegates[name] = _Export(self._line, self._streams).told(records, name)
        return name

    def _begin(self, record: Record, fields: Json) -> _Step:
        step = _Step({"timestamp": _timestamp(record.at), **fields})
        self._steps.append(step)
        return step

    def _answered(self, record: Record, answer: ModelAnswered) -> _Step:
        usage = answer.usage
        metrics = {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "cached_tokens": usage.cached,
            "cost_usd": answer.cost_usd,
        }
        self._totals["total_prompt_tokens"] += usage.prompt
        self._totals["total_completion_tokens"] += usage.completion
        self._totals["total_cached_tokens"] += usage.cached
        known = self._cost is not None and answer.cost_usd is not None
        self._cost = (self._cost or 0.0) + (answer.cost_usd or 0.0) if known else None
        fields: Json = {"source": "agent", "model_name": answer.model, "message": answer.content}
        if answer.reasoning:
            fields["reasoning_content"] = answer.reasoning
        if answer.tool_calls:
            fields["tool_calls"] = [_called(call) for call in answer.tool_calls]
        step = self._begin(record, {**fields, "metrics": _without_nulls(metrics)})
        self._places[record.version] = step, None
        return step

    def _proposed(self, record: Record, proposed: ActionProposed) -> _Step:
        """Return the step of the answer that wanted the action; without one, the action is a step itself."""
        if proposed.cause is not None and proposed.cause in self._places:
            step, _ = self._places[proposed.cause]
            self._places[record.version] = step, proposed.tool_call_id
            return step
        if isinstance(proposed.action, Message):
            fields: Json = {"source": "agent", "message": proposed.action.content}
            call = None
        elif proposed.by == "user":
            fields = {"source": "user", "message": _in_words(proposed.action)}
            call = None
        else:
            call = proposed.tool_call_id or f"call-{record.version}"
            made = {"tool_call_id": call, "function_name": function_of(proposed.action)}
            fields = {"source": "agent", "message": proposed.action.thought}
            fields["tool_calls"] = [made | {"arguments": arguments_of(proposed.action)}]
        step = self._begin(record, fields)
        self._places[record.version] = step, call
        return step


def _called(call: ToolCall) -> Json:
    """Return a call; what the model wrote that is no object stands under a name of its own."""
    try:
        arguments = plain(json.loads(call.arguments))
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {"text": call.arguments}
    return {"tool_call_id": call.id, "function_name": call.name, "arguments": arguments}


def _result(result: _Result, known: set[str]) -> Json:
    """Return a result; it names its call where the step has that call."""
    told: Json = {"source_call_id": result.call} if result.call in known else {}
    told["content"] = result.content
    if result.delegate is not None:
        told["subagent_trajectory_ref"] = [{"trajectory_id": result.delegate, "session_id": result.delegate}]
    return told


def _in_words(action: Action) -> str:
    return f"{function_of(action)} {json.dumps(arguments_of(action))}"


def _without_nulls(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _array(name: str, texts: list[str]) -> str:
    return f'"{name}":[\n' + ",\n".join(texts) + "\n]" if texts else f'"{name}":[]'


def _timestamp(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at // 1000)).isoformat().replace("+00:00", "Z")
