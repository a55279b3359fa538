"""Writes the golden files of the present format: run once per release, never to make a test pass.

    python -m tests.golden.write

Adds what is missing; what is there stays as it was written.
"""

import json
from pathlib import Path

import msgspec

from refold.eventlog.events import Event, SessionForked
from refold.eventlog.log import NO_STREAM, Append, Entry
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.record import Given, Record
from tests.eventlog.samples import EVENTS

FOLDER = Path(__file__).parent / "format-1"
LOG = bytes(range(16))


def record_of(event: Event) -> tuple[Record, bytes]:
    """Return a record that holds the event, and its stored bytes."""
    log = MemoryLog(id=LOG)
    expected = NO_STREAM
    command = Given(
        id="command-1", kind="golden", at=1_790_000_000_000_000_000, by="user", body={"text": "ü"}
    )
    if isinstance(event, SessionForked):
        entry = Entry(Given(id="parent", kind="golden", at=1, by="user"), EVENTS[13:14] * (event.version + 1))
        parent = Append(stream=event.parent, expected=NO_STREAM, epoch=1, entries=(entry,))
        last = log.commit(parent).records[-1]
        event = msgspec.structs.replace(event, digest=last.digest.hex())
        expected = event.version
    append = Append(stream="sträm", expected=expected, epoch=300, entries=(Entry(command, (event,)),))
    record = log.commit(append).records[0]
    return record, dict(log.rows())[record.position]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for event in EVENTS:
        path = FOLDER / f"{type(event).__name__}.json"
        if not path.exists():
            record, stored = record_of(event)
            golden = {"stored": stored.hex(), "record": msgspec.to_builtins(record)}
            text = json.dumps(golden, indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
