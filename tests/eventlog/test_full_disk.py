"""A disk without room: a clear error, nothing acknowledged lost, and on it goes once there is room."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from refold.eventlog.audit import audit
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM, Appended, DiskFull, LogError, WrongVersion
from refold.testing.appends import append


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    options = [mount or "", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if mount is None or subprocess.run(options, check=False, capture_output=True).returncode:
        pytest.skip("a small tmpfs may not be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no room at all."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                size = size if file.write(b"x" * size) == size else size // 2
            except OSError:
                size //= 2
    return ballast


def test_a_full_disk_refuses_and_loses_nothing(small: Path) -> None:
    with LMDBLog.open(small / "log") as log:
        acknowledged = list(log.commit(append("s", NO_STREAM, "c0")).records)
        ballast = fill(small)
        with pytest.raises(DiskFull):  # noqa: PT012 - at some version, whichever
            for version in range(1, 200):
                acknowledged += log.commit(append("s", version - 1, f"c{version}", "x" * 5000)).records
        assert list(log.read("s")) == acknowledged
        with pytest.raises(DiskFull):
            log.commit(append("t", NO_STREAM, "big", "y" * 100_000))
        again = log.commit(append("s", NO_STREAM, "c0"))
        assert again == Appended((acknowledged[0],), again=True)
        ballast.unlink()
        version = len(acknowledged)
        acknowledged += log.commit(append("s", version - 1, f"c{version}", "x" * 5000)).records
        assert list(log.read("s")) == acknowledged
        assert audit(log).bad is None


def test_only_what_is_new_is_refused_for_want_of_room(small: Path) -> None:
    with LMDBLog.open(small / "log") as log:
        log.commit(append("s", NO_STREAM, "c0"))
        fill(small)
        told: SimpleQueue[Appended | LogError] = SimpleQueue()
        log.append(append("a", NO_STREAM, "big", "x" * 1_000_000), on_committed=told.put)
        log.append(append("s", 5, "wrong"), on_committed=told.put)
        log.append(append("s", NO_STREAM, "c0"), on_committed=told.put)
        outcomes = [told.get(timeout=30) for _ in range(3)]
        assert isinstance(outcomes[0], DiskFull)
        assert isinstance(outcomes[1], WrongVersion)
        assert isinstance(outcomes[2], Appended)
        assert outcomes[2].again
        assert list(log.streams()) == ["s"]


def test_a_log_on_a_full_disk_can_be_read_even_when_its_lock_file_is_gone(small: Path) -> None:
    with LMDBLog.open(small / "log") as log:
        log.commit(append("s", NO_STREAM, "c0"))
    (small / "log" / "000000" / "lock.mdb").unlink()
    fill(small)
    with LMDBLog.open(small / "log", readonly=True) as log:
        assert len(list(log.read("s"))) == 1
    with pytest.raises(DiskFull):
        LMDBLog.open(small / "log")


def test_no_log_is_begun_on_a_full_disk(small: Path) -> None:
    ballast = fill(small)
    with pytest.raises(DiskFull):
        LMDBLog.open(small / "log")
    ballast.unlink()
    with LMDBLog.open(small / "log") as log:
        assert log.end == 0


def test_a_segment_that_finds_no_room_is_begun_later(small: Path) -> None:
    with LMDBLog.open(small / "log", segment_bytes=1) as log:
        log.commit(append("s", NO_STREAM, "c0"))
        ballast = fill(small)
        with pytest.raises(DiskFull):
            log.commit(append("s", 0, "c1"))
        ballast.unlink()
        log.commit(append("s", 0, "c1"))
        assert [len(log.segments.all), audit(log).records] == [2, 2]
        assert sorted(path.name for path in (small / "log").iterdir()) == ["000000", "000001"]
