"""The peers, run in an environment of their own: `peer.py NAME FOLDER COUNT BATCH` prints a line of JSON."""

# The peers are not installed where we are checked.
# pyright: basic, reportMissingImports=false

import json
import os
import random
import sys
import time
import uuid
from pathlib import Path


def sizes(count: int) -> list[int]:
    """Payload sizes of real runs: median 1.4 KB, mean about 5 KB."""
    chance = random.Random(1)  # noqa: S311 - the same sizes for everybody
    return [min(200_000, int(chance.lognormvariate(7.24, 1.6))) for _ in range(count)]


def eventsourcing(folder: Path, count: int, batch: int) -> tuple[float, float, float]:
    from eventsourcing.persistence import StoredEvent  # noqa: PLC0415
    from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore  # noqa: PLC0415

    recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(folder / "events.db")))
    recorder.create_table()
    stream = uuid.uuid4()
    states = [os.urandom(size) for size in sizes(count)]
    events = [
        StoredEvent(originator_id=stream, originator_version=number + 1, topic="t", state=state)
        for number, state in enumerate(states)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    for first in range(0, count, batch):
        recorder.insert_events(events[first : first + batch])
    wrote, spent = time.perf_counter() - began, time.process_time() - cpu
    began = time.perf_counter()
    assert sum(len(event.state) for event in recorder.select_events(stream)) == sum(map(len, states))
    return wrote, spent, time.perf_counter() - began


def openhands(folder: Path, count: int, _batch: int) -> tuple[float, float, float]:
    from openhands.sdk.conversation.event_store import EventLog  # noqa: PLC0415
    from openhands.sdk.event import MessageEvent  # noqa: PLC0415
    from openhands.sdk.io import LocalFileStore  # noqa: PLC0415
    from openhands.sdk.llm import Message, TextContent  # noqa: PLC0415

    store = LocalFileStore(str(folder / "openhands"))
    log = EventLog(store)
    texts = ["x" * size for size in sizes(count)]
    events = [
        MessageEvent(source="user", llm_message=Message(role="user", content=[TextContent(text=text)]))
        for text in texts
    ]
    began, cpu = time.perf_counter(), time.process_time()
    for event in events:
        log.append(event)
    wrote, spent = time.perf_counter() - began, time.process_time() - cpu
    began = time.perf_counter()
    assert len(list(EventLog(store))) == count
    return wrote, spent, time.perf_counter() - began


def main() -> None:
    name, folder, count, batch = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    run = {"eventsourcing": eventsourcing, "openhands-sdk": openhands}[name]
    wrote, cpu, read = run(folder, count, batch)
    figures = {"append_s": count / wrote, "append_cpu_us": cpu / count * 1e6, "read_s": count / read}
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
