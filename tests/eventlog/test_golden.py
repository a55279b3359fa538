"""What was once released is read for ever: the bytes of every event type, format by format."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from refold.eventlog import digest, header
from refold.eventlog.codec import decode
from refold.eventlog.events import Event
from refold.eventlog.record import Record
from tests.eventlog.samples import EVENTS, TYPES
from tests.golden.write import FOLDER, LOG, record_of

WIDENED = {"SessionStarted", "SettingsChanged"}
"""Where a struct has more than fifteen fields by now: msgpack writes the same map with a longer header."""
FILES = sorted(FOLDER.parent.glob("format-*/*.json"))


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_every_event_type_has_a_sample_and_a_golden_file() -> None:
    names = {kind.__name__ for kind in TYPES}
    assert {type(event) for event in EVENTS} == TYPES
    assert {path.stem for path in FOLDER.glob("*.json")} == names


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_golden_record_decodes_to_what_it_always_was(path: Path) -> None:
    golden = load(path)
    position = golden["record"]["position"]
    record = decode(bytes.fromhex(golden["stored"]), position, log=LOG, fetch=lambda _: None)
    assert record == msgspec.convert(golden["record"], Record)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_todays_code_writes_the_bytes_of_format_1(event: Event) -> None:
    golden = load(FOLDER / f"{type(event).__name__}.json")
    _, stored = record_of(event)
    if type(event).__name__ in WIDENED:
        assert body(stored) == body(bytes.fromhex(golden["stored"]))
    else:
        assert stored.hex() == golden["stored"]


def body(stored: bytes) -> object:
    """Return what a record's body says, whatever the widths it is written with."""
    return msgspec.msgpack.decode(stored[header.unpack(stored).body : -digest.SIZE])
