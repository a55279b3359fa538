"""Records as JSON objects that other programs rely on: what `refold events --json` prints.

Every field is there, defaults included, so that a reader never has to ask whether it is. Kinds that this
version only carries along (`Other`) look like kinds it knows: their own name, their fields beside it.
"""

import json
from typing import Any

import msgspec

from refold.eventlog.actions import Action, Other
from refold.eventlog.events import Event, Unknown
from refold.eventlog.fact import By
from refold.eventlog.observations import Observation, OtherObservation
from refold.eventlog.record import Given, Record

_ENVELOPE = ("cause", "by", "foreign")


class Renderer:
    """Renders records in order, remembering what stands only on a command's first: who gave it."""

    def __init__(self) -> None:
        self._given: Given | None = None

    def render(self, record: Record) -> dict[str, Any]:
        return self._rendered(record, original=True)

    def line(self, record: Record) -> str:
        """Return the record as one line of JSON, with the original of an imported event digit for digit."""
        parts = {name: json.dumps(value) for name, value in self._rendered(record, original=False).items()}
        if record.event.foreign is not None:
            parts["data"] = f'{parts["data"][:-1]}, "foreign": {record.event.foreign}}}'
        return "{" + ", ".join(f'"{name}": {text}' for name, text in parts.items()) + "}"

    def _rendered(self, record: Record, *, original: bool) -> dict[str, Any]:
        if record.given is not None:
            self._given = record.given
        given = self._given
        by = given.by if given is not None and given.id == record.command else None
        return render(record, by=by, original=original)


def render(record: Record, *, by: By | None = None, original: bool = True) -> dict[str, Any]:
    """Return the record as an object; `by` is who gave its command, for an event that does not say.

    Without `original`, that of an imported event is left out.
    """
    rendered: dict[str, Any] = {
        "position": record.position,
        "version": record.version,
        "stream": record.stream,
        "at": record.at,
        "type": type_of(record),
        "data": _data(record.event, original=original),
        "cause": record.cause,
        "command": record.command,
        "by": record.event.by or (record.given.by if record.given is not None else by),
        "epoch": record.epoch,
        "digest": record.digest.hex(),
    }
    if record.given is not None:
        rendered["given"] = msgspec.to_builtins(record.given)
    return rendered


def type_of(record: Record) -> str:
    """Return the event's type; for one that only a newer version knows, the name it has there."""
    return record.event.name if isinstance(record.event, Unknown) else record.type


def kind_of(payload: Action | Observation) -> str:
    """Return the kind as recorded trajectories name it."""
    if isinstance(payload, Other | OtherObservation):
        return payload.name
    return str(payload.__struct_config__.tag)


def _data(event: Event, *, original: bool) -> dict[str, Any]:
    if isinstance(event, Unknown):
        return dict(event.fields)
    data = {
        field.encode_name: _value(getattr(event, field.name))
        for field in msgspec.structs.fields(event)
        if field.name not in _ENVELOPE
    }
    if original and event.foreign is not None:
        data["foreign"] = json.loads(event.foreign)
    return data


def _value(value: Any) -> Any:  # noqa: ANN401 - a field can hold anything
    """Return builtins with every default in its place, which msgspec's own conversion leaves out."""
    if isinstance(value, Other):
        own = {"thought": value.thought, "extra": value.extra}
        return own | value.arguments | {"kind": value.name}
    if isinstance(value, OtherObservation):
        return value.fields | {"kind": value.name, "content": value.content}
    if isinstance(value, msgspec.Struct):
        config, fields = value.__struct_config__, msgspec.structs.fields(value)
        tag = {} if config.tag_field is None else {config.tag_field: config.tag}
        return tag | {field.encode_name: _value(getattr(value, field.name)) for field in fields}
    if isinstance(value, tuple | list):
        return [_value(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - anything
    return msgspec.to_builtins(value)
