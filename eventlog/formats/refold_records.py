"""Our own exported records, taken in again as something that was decided elsewhere.

What was said and done is understood; claims, asks and connections belonged to the session that was
exported, and are kept without being believed.
"""

from collections.abc import Sequence
from typing import Any, TypeAliasType, get_args

import msgspec

from refold.eventlog.actions import Action
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    Event,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    SystemMessageAdded,
)
from refold.eventlog.fact import By
from refold.eventlog.formats.plain import plain, table_of, text_of
from refold.eventlog.formats.trajectory import ForeignEvent
from refold.eventlog.observations import Observation

type Understood = (
    ActionProposed | ObservationRecorded | MessageReceived | SystemMessageAdded | AgentStateChanged
)

_UNDERSTOOD = (
    "ActionProposed",
    "ObservationRecorded",
    "MessageReceived",
    "SystemMessageAdded",
    "AgentStateChanged",
)
_BYS: tuple[By, ...] = ("user", "agent", "policy", "system")


def _kinds(union: TypeAliasType) -> frozenset[str]:
    """Return the kinds that a union knows, without the one that stands for all others."""
    return frozenset(str(member.__struct_config__.tag) for member in get_args(union.__value__)) - {"other"}


_ACTIONS = _kinds(Action)
_OBSERVATIONS = _kinds(Observation)


def events_of_records(records: Sequence[ForeignEvent]) -> list[Event]:
    """Return the events; the i-th gets version i + 1, and causes follow."""
    versions: dict[int, int] = {}
    events: list[Event] = []
    for version, record in enumerate(records, start=1):
        events.append(_event(record, versions))
        if type(record.value["version"]) is int:
            versions[record.value["version"]] = version
    return events


def _event(record: ForeignEvent, versions: dict[int, int]) -> Event:
    name, cause = text_of(record.value["type"]), record.value.get("cause")
    kept: dict[str, Any] = {
        "type": name,
        "cause": versions.get(cause) if type(cause) is int else None,
        "by": record.value.get("by"),
        "foreign": record.text,
    }
    data = {key: value for key, value in table_of(plain(record.value["data"])).items() if key != "foreign"}
    if name == "ActionProposed":
        data["action"] = _payload(data.get("action"), _ACTIONS, "arguments")
    if name == "ObservationRecorded":
        data["observation"] = _payload(data.get("observation"), _OBSERVATIONS, "fields")
    if name in _UNDERSTOOD:
        try:
            understood: Understood = msgspec.convert(data | kept, type=Understood)
        except msgspec.ValidationError:
            pass  # A field that a newer version changed: keep the record, do not guess.
        else:
            return understood
    by: By | None = next((by for by in _BYS if by == kept["by"]), None)
    return ForeignRecorded(name=name, cause=kept["cause"], by=by, foreign=record.text)


def _payload(value: Any, known: frozenset[str], rest: str) -> dict[str, Any]:  # noqa: ANN401 - JSON can be anything
    """Return an action or observation as it is stored: a kind that is not ours becomes `other` again."""
    rendered = table_of(value)
    kind = rendered.get("kind")
    if kind in known:
        return rendered
    ours = ("content", "thought", "extra")
    own = {key: rendered[key] for key in ours if key in rendered and (rest, key) != ("arguments", "content")}
    fields = {key: item for key, item in rendered.items() if key != "kind" and key not in own}
    return own | {"kind": "other", "name": text_of(kind), rest: fields}
