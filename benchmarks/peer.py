"""The peers, run in an environment of their own: `peer.py NAME FOLDER KIND COUNT BATCH CALLERS`.

Prints a line of JSON: seconds and CPU of appending and of reading back. Events are made before the clock
starts, and for reading everything is opened anew.
"""

# The peers are not installed where we are checked.
# pyright: basic, reportMissingImports=false

import json
import sys
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from payloads import payloads

type Work = Callable[[], object]


def spent(work: list[Work]) -> tuple[float, float]:
    """Do the work, each part in a thread of its own; return seconds and CPU seconds."""
    began, cpu = time.perf_counter(), time.process_time()
    if len(work) == 1:
        work[0]()
    else:
        threads = [Thread(target=part) for part in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return time.perf_counter() - began, time.process_time() - cpu


def eventsourcing(
    folder: Path, texts: list[str], batch: int, callers: int, *, encoded: bool = False
) -> dict[str, object]:
    """Put domain events into the library's store on SQLite; read stored events, then domain events as well.

    With `encoded`, they are encoded before the clock starts, and only its recorder is measured.
    """
    from eventsourcing.domain import DomainEvent, datetime_now_with_tzinfo  # noqa: PLC0415
    from eventsourcing.persistence import (  # noqa: PLC0415
        DatetimeAsISO,
        EventStore,
        JSONTranscoder,
        Mapper,
        UUIDAsHex,
    )
    from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore  # noqa: PLC0415

    class Said(DomainEvent):  # type: ignore[misc]
        text: str

    globals()["Said"] = Said
    Said.__qualname__ = "Said"
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    transcoder.register(DatetimeAsISO())
    mapper: Mapper = Mapper(transcoder)

    def opened() -> SQLiteApplicationRecorder:
        recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(folder / "events.db")))
        recorder.create_table()
        return recorder

    recorder = opened()
    store = EventStore(mapper, recorder)
    with recorder.datastore.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA synchronous")
        synchronous = cursor.fetchone()[0]
    streams = [uuid.uuid4() for _ in range(callers)]
    share = len(texts) // callers
    work: list[Work] = []
    for number, stream in enumerate(streams):
        now = datetime_now_with_tzinfo()
        events: list[Any] = [
            Said(originator_id=stream, originator_version=version + 1, timestamp=now, text=text)
            for version, text in enumerate(texts[number * share : (number + 1) * share])
        ]
        put: Callable[[list[Any]], object] = store.put
        if encoded:
            events, put = [mapper.to_stored_event(event) for event in events], recorder.insert_events

        def append(events: list[Any] = events, put: Callable[[list[Any]], object] = put) -> None:
            for first in range(0, len(events), batch):
                put(events[first : first + batch])

        work.append(append)
    seconds, cpu = spent(work)
    recorder.datastore.close()
    recorder = opened()
    store = EventStore(mapper, recorder)
    read, _ = spent([lambda: [len(recorder.select_events(stream)) for stream in streams]])
    decoded, decoded_cpu = spent([lambda: [sum(1 for _ in store.get(stream)) for stream in streams]])
    return {
        "append": seconds,
        "append cpu": cpu,
        "read": read,
        "decode": decoded,
        "decode cpu": decoded_cpu,
        "count": share * callers,
        "durability": f"SQLite, WAL, synchronous={synchronous}: one sync for each transaction",
    }


def openhands(folder: Path, texts: list[str], _batch: int, callers: int) -> dict[str, object]:
    """Append to logs of conversations, half actions and half observations; read them as events."""
    from openhands.sdk.conversation.event_store import EventLog  # noqa: PLC0415
    from openhands.sdk.event import ActionEvent, ObservationEvent  # noqa: PLC0415
    from openhands.sdk.io import LocalFileStore  # noqa: PLC0415
    from openhands.sdk.llm import MessageToolCall, TextContent  # noqa: PLC0415
    from openhands.sdk.tool.builtins.think import ThinkAction, ThinkObservation  # noqa: PLC0415

    def event(number: int, text: str) -> ActionEvent | ObservationEvent:
        call = f"call_{number // 2}"
        if number % 2:
            answer = ThinkObservation(content=[TextContent(text=text)])
            return ObservationEvent(tool_name="think", tool_call_id=call, observation=answer, action_id=call)
        return ActionEvent(
            thought=[],
            action=ThinkAction(thought=text),
            tool_name="think",
            tool_call_id=call,
            tool_call=MessageToolCall(id=call, name="think", arguments="{}", origin="completion"),
            llm_response_id=call,
        )

    def opened(number: int) -> EventLog:
        return EventLog(LocalFileStore(str(folder / f"conversation-{number}")))

    share = len(texts) // callers
    work: list[Work] = []
    for number in range(callers):
        log = opened(number)
        events = [event(*pair) for pair in enumerate(texts[number * share : (number + 1) * share])]

        def append(log: EventLog = log, events: list[Any] = events) -> None:
            for one in events:
                log.append(one)

        work.append(append)
    seconds, cpu = spent(work)
    decoded, decoded_cpu = spent([lambda: [sum(1 for _ in opened(number)) for number in range(callers)]])
    return {
        "append": seconds,
        "append cpu": cpu,
        "decode": decoded,
        "decode cpu": decoded_cpu,
        "count": share * callers,
        "durability": "a file for each event, nothing is synced",
    }


def main() -> None:
    name, place, kind, count, batch, callers = sys.argv[1:]
    folder = Path(place)
    folder.mkdir(parents=True)
    run: dict[str, Callable[[Path, list[str], int, int], dict[str, object]]] = {
        "eventsourcing": eventsourcing,
        "eventsourcing's recorder": partial(eventsourcing, encoded=True),
        "openhands-sdk": openhands,
    }
    sys.stdout.write(
        json.dumps(run[name](folder, payloads(kind, int(count)), int(batch), int(callers))) + "\n"
    )


if __name__ == "__main__":
    main()
