"""Our own records, exported line by line, can be imported like anything else."""

import json
from pathlib import Path

import pytest

from refold.eventlog.events import ActionProposed, ForeignRecorded, ObservationRecorded, SessionImported
from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.openhands_export import export_openhands
from refold.eventlog.record import Record
from refold.projections.pending import pending
from refold.projections.reenactment import steps
from refold.projections.render import Renderer
from tests.formats.native import NATIVE
from tests.formats.streams import REAL, TRAJECTORIES, action, committed, imported, imported_list, observation


def test_what_was_said_and_done_is_understood_again(tmp_path: Path) -> None:
    records = committed(NATIVE)
    again = _again(tmp_path, NATIVE_LINES)

    head = again[0].event
    assert isinstance(head, SessionImported)
    assert (head.format, head.status, head.events) == ("refold-jsonl", "finished", len(NATIVE))
    assert [(s.message, s.action) for s in steps(again)] == [(s.message, s.action) for s in steps(records)]
    assert pending(again) == ()
    for old, new in zip(records, again[1:], strict=True):
        assert json.loads(new.event.foreign or "")["version"] == old.version
        if isinstance(old.event, ActionProposed | ObservationRecorded):
            assert type(new.event) is type(old.event)
            assert new.cause == (None if old.cause is None else old.cause + 1)
        elif type(new.event) is not type(old.event):
            assert isinstance(new.event, ForeignRecorded)
            assert new.event.name == old.type


def test_records_of_an_imported_stream_give_back_what_it_was_made_of(tmp_path: Path) -> None:
    events = [
        action("run_ipython", code="1", thought="t", id=3),
        observation("run_ipython", "1", cause=3, deep={"n": [1e300, 10**30]}),
    ]
    records = imported_list(tmp_path, events)

    again = _again(tmp_path, _lines(records))

    assert export_openhands(again) == events


@pytest.mark.parametrize("name", REAL)
def test_records_of_a_real_trajectory_give_it_back(tmp_path: Path, name: str) -> None:
    path = TRAJECTORIES / name
    if not path.exists():
        pytest.skip(f"no trajectory {path.name} on this machine")

    again = _again(tmp_path, _lines(imported(path)))

    assert export_openhands(again) == json.loads(path.read_text())


def test_a_record_that_cannot_be_understood_is_kept(tmp_path: Path) -> None:
    line = {
        "position": 0,
        "version": 0,
        "stream": "s",
        "type": "AgentStateChanged",
        "data": {"state": "dozing"},
    }

    again = _again(tmp_path, json.dumps(line))

    assert isinstance(again[1].event, ForeignRecorded)
    assert again[1].event.name == "AgentStateChanged"


def _lines(records: tuple[Record, ...]) -> str:
    renderer = Renderer()
    return "\n".join(renderer.line(record) for record in records) + "\n"


def _again(folder: Path, lines: str) -> tuple[Record, ...]:
    file = folder / "records.jsonl"
    file.write_text(lines)
    assert read_trajectory(file).events
    return imported(file)


NATIVE_LINES = _lines(committed(NATIVE))
