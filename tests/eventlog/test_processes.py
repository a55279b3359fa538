"""Several processes on one log: readers beside a writer, writers beside each other, and those that die."""

from collections import defaultdict
from pathlib import Path

import pytest

from refold.eventlog.audit import audit
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM
from refold.testing.appends import append
from tests.eventlog import child


@pytest.mark.parametrize("segment_bytes", [8 << 30, 100_000])
def test_a_reader_in_another_process_sees_every_commit_in_order(tmp_path: Path, segment_bytes: int) -> None:
    with LMDBLog.open(tmp_path / "log", segment_bytes=segment_bytes) as log:
        log.commit(append("s", NO_STREAM, "c0", "x" * 3000))
        reader = child.start("read", tmp_path / "log", 60)
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for version in range(1, 60):
            log.commit(append("s", version - 1, f"c{version}", "x" * 3000))
        told = [line.split() for line in reader.stdout.read().splitlines()]
        reader.communicate()
        assert told == [["s", str(record.version), record.digest.hex()] for record in log.read_all()]


@pytest.mark.parametrize("segment_bytes", [8 << 30, 100_000])
def test_two_processes_write_the_same_log(tmp_path: Path, segment_bytes: int) -> None:
    with LMDBLog.open(tmp_path / "log", segment_bytes=segment_bytes) as log:
        writers = [child.start("write", tmp_path / "log", 4, 40, segment_bytes) for _ in range(2)]
        for version in range(40):
            log.commit(append("ours", version - 1, f"ours-{version}"))
        told: dict[str, int] = defaultdict(int)
        for writer in writers:
            for line in writer.communicate(timeout=60)[0].splitlines():
                told[line.split()[0]] += 1
            assert writer.returncode == 0
        assert sorted(told.values()) == [40] * 8
        assert log.end == 360
        assert audit(log).bad is None


def test_the_place_of_a_killed_reader_is_freed(tmp_path: Path) -> None:
    with LMDBLog.open(tmp_path / "log") as log:
        log.commit(append("s", NO_STREAM, "c0"))
        holder = child.start("hold", tmp_path / "log")
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        holder.kill()
        holder.communicate()
        assert log.segments.active.environment.check_readers() == 1


def test_a_log_being_written_is_opened_for_reading_while_segments_come(tmp_path: Path) -> None:
    writer = child.start("write", tmp_path / "log", 2, 60, 1)
    assert writer.stdout is not None
    writer.stdout.readline()
    ends: list[int] = []
    while writer.poll() is None and len(ends) < 30:
        with LMDBLog.open(tmp_path / "log", readonly=True) as log:
            ends.append(log.end)
            assert len(list(log.read_all())) >= log.segments.all[-1].base
    writer.communicate(timeout=60)
    assert ends == sorted(ends)
    with LMDBLog.open(tmp_path / "log", readonly=True) as log:
        assert audit(log).records == 120
