"""Group commit: many appends, few syncs; the map grows by itself; nobody holds pages back."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest

from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM, Appended, LogError
from refold.testing.appends import append


def test_appends_that_wait_together_are_committed_together(tmp_path: Path) -> None:
    with LMDBLog.open(tmp_path / "log") as log:
        told: SimpleQueue[Appended | LogError] = SimpleQueue()
        entered, released = Event(), Event()

        def hold(_: Appended | LogError) -> None:
            entered.set()
            released.wait(30)

        log.append(append("first", NO_STREAM, "first"), on_committed=hold)
        assert entered.wait(30)
        before = log.committer.commits
        transactions = log.segments.active.environment.transaction
        for number in range(500):
            log.append(append(f"s{number}", NO_STREAM, f"c{number}"), on_committed=told.put)
        released.set()
        assert all(isinstance(told.get(timeout=30), Appended) for _ in range(500))
        assert log.committer.commits - before <= 1
        assert log.segments.active.environment.transaction - transactions == 1


def test_a_listener_that_raises_does_not_silence_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def raise_it(_: Appended | LogError) -> None:
        raise RuntimeError("deaf")

    with LMDBLog.open(tmp_path / "log") as log:
        log.append(append("s", NO_STREAM, "0"), on_committed=raise_it)
        log.commit(append("s", 0, "1"))
    assert "telling so failed" in caplog.text


def test_the_map_grows_by_itself(tmp_path: Path) -> None:
    with LMDBLog.open(tmp_path / "log", map_bytes=1 << 17) as log:
        for version in range(40):
            log.commit(append("s", version - 1, f"c{version}", "x" * 50_000))
        assert len(list(log.read("s"))) == 40
        assert log.segments.active.environment.map_bytes > 1 << 20


def test_a_map_that_another_opening_has_outgrown_is_followed(tmp_path: Path) -> None:
    with LMDBLog.open(tmp_path / "log", map_bytes=1 << 17) as log:
        log.commit(append("s", NO_STREAM, "0", *("x" * 50_000 for _ in range(60))))
    with LMDBLog.open(tmp_path / "log", map_bytes=1 << 17) as log:
        assert len(list(log.read_all())) == 60
        log.commit(append("s", 59, "1"))


def test_one_append_larger_than_the_map_is_kept(tmp_path: Path) -> None:
    with LMDBLog.open(tmp_path / "log", map_bytes=1 << 17) as log:
        log.commit(append("s", NO_STREAM, "0", "x" * 5_000_000, "y" * 60_000))
        assert [len(record.event.content) for record in log.read("s")] == [5_000_000, 60_000]  # type: ignore[union-attr]


def test_an_idle_subscription_holds_no_pages_back(tmp_path: Path) -> None:
    """One reader that stays open turns 319 bytes an event into 26,000; ours is open only while it looks."""
    sizes: list[int] = []
    for followed in (False, True):
        with LMDBLog.open(tmp_path / f"log-{followed}") as log:
            log.commit(append("s", NO_STREAM, "c0"))
            following = log.subscribe()
            reading = log.read_all()
            if followed:
                following.take()
                next(reading)
            for version in range(1, 300):
                log.commit(append("s", version - 1, f"c{version}", "x" * 200))
            sizes.append(log.segments.active.environment.file_bytes)
            assert len(following.take()) > 250
    assert sizes[1] <= sizes[0] * 1.1


def test_the_cost_of_an_append_does_not_grow(tmp_path: Path) -> None:
    """Counted, not timed: pages that a commit of one event writes, at the start and 20,000 events later."""
    with LMDBLog.open(tmp_path / "log") as log:

        def cost(version: int) -> int:
            environment = log.segments.active.environment
            before = environment.file_bytes
            for number in range(version, version + 50):
                log.commit(append("s", number - 1, f"c{number:08d}"))
            return environment.file_bytes - before

        cost(0)
        early = cost(50)
        for start in range(100, 20_100, 2000):
            contents = [f"m{number}" for number in range(2000)]
            log.commit(append("s", start - 1, f"bulk{start}", *contents))
        late = cost(20_100)
        assert late <= early + 50 * 4096


def test_readers_of_the_same_process_go_on_while_the_map_grows(tmp_path: Path) -> None:
    with LMDBLog.open(tmp_path / "log", map_bytes=1 << 17) as log:
        told: SimpleQueue[Appended | LogError] = SimpleQueue()
        for version in range(100):
            log.append(append("s", version - 1, f"c{version}", "x" * 30_000), on_committed=told.put)
        seen = 0
        while seen < 100:
            seen = len(list(log.read_all()))
        assert all(isinstance(told.get(timeout=30), Appended) for _ in range(100))


def test_who_follows_the_log_waits_while_its_file_is_opened_anew(tmp_path: Path) -> None:
    with LMDBLog.open(tmp_path / "log") as log, ThreadPoolExecutor(1) as doubting:
        log.commit(append("s", NO_STREAM, "c0"))
        environment = log.segments.active.environment

        def doubt() -> None:
            for _ in range(200):
                environment.reopen()

        reopened = doubting.submit(doubt)
        while not reopened.done():
            assert log.stamp() == (0, environment.transaction)
            assert environment.check_readers() == 0
        reopened.result()
