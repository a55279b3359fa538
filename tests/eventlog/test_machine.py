"""LMDBLog driven against MemoryLog: whatever happens, the two stay equal, byte for byte.

Closing, opening again, and a child that appends to the same file until it is killed are among the things
that happen.
"""

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from refold.eventlog.audit import audit
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM, Append, Appended, Entry, EventLog, LogError
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.record import Record
from refold.testing.appends import fork, given, said
from tests.eventlog import child

STREAMS = ("a", "b", "fork1", "fork2")
MEMORY = Path("/dev/shm")  # noqa: S108 - a kill leaves the page cache alone, so the disk would only be slower
texts = st.sampled_from([0, 1, 50, 3_000, 40_000]).map(lambda size: "ü" * size)


class LMDBLogAgainstMemoryLog(RuleBasedStateMachine):
    segment_bytes = 8 << 30

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="refold-machine-", dir=MEMORY if MEMORY.is_dir() else None))
        self.log = self._open()
        self.model = MemoryLog(id=self.log.id)
        self.commands = 0
        self.last: tuple[Append, ...] = ()
        self.segment = 0
        """Where the last append stands: ids are remembered there and in the segment after it."""

    def _open(self) -> LMDBLog:
        return LMDBLog.open(self.folder / "log", segment_bytes=self.segment_bytes, log_id=b"machine " * 2)

    def teardown(self) -> None:
        assert list(self.log.read_all()) == list(self.model.read_all())
        for stream in self.model.streams():
            assert list(self.log.read(stream)) == list(self.model.read(stream))
        assert audit(self.log) == audit(self.model)
        self.log.close()
        rmtree(self.folder)

    def _both(self, what: Callable[[EventLog], object]) -> None:
        found: list[object] = []
        for log in (self.log, self.model):
            try:
                found.append(what(log))
            except LogError as error:
                found.append((type(error), str(error)))
        assert found[0] == found[1]

    def _append(self, stream: str, wrong: int, contents: list[str], agenda: bytes | None) -> Append:
        head = self.model.head(stream)
        self.commands += 1
        entries = [Entry(given(f"c{self.commands}", text=contents[0]), said(*contents))]
        if len(contents) > 2:
            entries.append(Entry(given(f"c{self.commands}+"), said("and more")))
        expected = (NO_STREAM if head is None else head.version) + wrong
        return Append(stream=stream, expected=expected, epoch=3, entries=tuple(entries), agenda=agenda)

    @rule(
        streams=st.lists(st.sampled_from(STREAMS), min_size=1, max_size=3, unique=True),
        wrong=st.sampled_from([0, 0, 0, 0, 1, -1]),
        contents=st.lists(texts, min_size=1, max_size=4),
        agenda=st.sampled_from([None, b"", b"owes"]),
    )
    def append(self, streams: list[str], wrong: int, contents: list[str], agenda: bytes | None) -> None:
        appends = tuple(self._append(stream, wrong, contents, agenda) for stream in streams)
        self._both(lambda log: log.commit(*appends))
        self.last, self.segment = appends, self._active()

    def _active(self) -> int:
        return self.log.segments.refresh().number

    @precondition(lambda self: bool(self.last) and self._active() <= self.segment + 1)
    @rule()
    def repeat(self) -> None:
        self._both(lambda log: log.commit(*self.last))

    @rule(
        name=st.sampled_from(["fork1", "fork2", "fork3"]),
        parent=st.sampled_from(STREAMS),
        version=st.integers(0, 20),
    )
    def fork(self, name: str, parent: str, version: int) -> None:
        if self.model.head(parent) is not None:
            record = list(self.model.read(parent, until=version))[-1]
            self.commands += 1
            self._both(lambda log: log.commit(fork(name, record, f"c{self.commands}")))

    @rule(after=st.integers(-1, 30), until=st.none() | st.integers(-1, 30), stream=st.sampled_from(STREAMS))
    def read(self, after: int, until: int | None, stream: str) -> None:
        self._both(lambda log: list(log.read(stream, after=after, until=until)))
        self._both(lambda log: list(log.read_all(after=after)))
        self._both(lambda log: list(log.subscribe(after=after, stream=stream).take(timeout_s=0)))

    @rule()
    def close_and_open_again(self) -> None:
        self.log.close()
        self.log = self._open()

    @rule(acknowledged=st.integers(1, 40))
    def kill_a_child_that_appends(self, acknowledged: int) -> None:
        process = child.start("write", self.folder / "log", 3, 100, max(self.segment_bytes, 160_000))
        assert process.stdout is not None
        told = [process.stdout.readline().split() for _ in range(acknowledged)]
        process.kill()
        told += [line.split() for line in process.stdout.read().splitlines()]
        process.communicate()
        found = [[record.stream, str(record.version), record.digest.hex()] for record in self._catch_up()]
        for line in told:
            assert line in found or len(line) < 3 or len(line[2]) < 64  # the last one may be cut short

    def _catch_up(self) -> list[Record]:
        """Let the model do what the child did; it must come to the same bytes."""
        news = list(self.log.read_all(after=self.model.end - 1))
        for record in news:
            assert record.given is not None
            entries = (Entry(record.given, (record.event,)),)
            append = Append(
                stream=record.stream, expected=record.version - 1, epoch=record.epoch, entries=entries
            )
            assert self.model.commit(append) == Appended((record,))
        return news

    @invariant()
    def the_tables_are_equal(self) -> None:
        assert self.log.end == self.model.end
        assert list(self.log.streams()) == list(self.model.streams())
        assert dict(self.log.agenda()) == dict(self.model.agenda())
        for stream in STREAMS:
            assert self.log.head(stream) == self.model.head(stream)


class TinySegments(LMDBLogAgainstMemoryLog):
    segment_bytes = 1


class SmallSegments(LMDBLogAgainstMemoryLog):
    segment_bytes = 160_000


@pytest.mark.parametrize("machine", [LMDBLogAgainstMemoryLog, SmallSegments, TinySegments])
def test_on_disk_and_in_memory_the_log_is_the_same(machine: type[LMDBLogAgainstMemoryLog]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
