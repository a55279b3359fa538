"""Every backend that ships keeps the contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.memory_log import MemoryLog
from refold.testing.contract import EventLogContract


class TestMemoryLog(EventLogContract):
    @pytest.fixture
    def log(self) -> MemoryLog:
        return MemoryLog()


class TestLMDBLog(EventLogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[LMDBLog]:
        with LMDBLog.open(tmp_path / "log") as log:
            yield log


class TestLMDBLogOfOneSegmentPerCommit(EventLogContract):
    @pytest.fixture
    def log(self, tmp_path: Path) -> Iterator[LMDBLog]:
        with LMDBLog.open(tmp_path / "log", segment_bytes=1) as log:
            yield log
