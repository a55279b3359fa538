"""Audit: change one byte of anything recorded, and it says where."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from shutil import copytree

import lmdb
import pytest

from refold.eventlog import digest
from refold.eventlog.audit import AuditReport, audit
from refold.eventlog.audit_path import audit_path
from refold.eventlog.header import digest_of
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM, CorruptRecord, LogUnreadable
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.tables import NUMBER, PLACE
from refold.testing.appends import append, fork

LONG = "long " * 20_000


@pytest.fixture(params=[8 << 30, 1], ids=["one segment", "many segments"])
def home(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a closed log: two streams, a fork, a command of three events, a long text. 8 records."""
    with LMDBLog.open(tmp_path / "log", segment_bytes=request.param) as log:
        first = log.commit(append("a", NO_STREAM, "1", "x", "y", "z", agenda=b"owes")).records
        log.commit(append("b", NO_STREAM, "2", LONG))
        log.commit(append("a", 2, "3", "ä"), append("b", 0, "4"))
        log.commit(fork("f", first[1], "5"))
        log.commit(append("f", 2, "6"))
    return tmp_path / "log"


def audited(home: Path) -> AuditReport:
    with LMDBLog.open(home, readonly=True) as log:
        return audit(log)


def changed(home: Path, table: bytes, key: bytes, change: Callable[[bytes], bytes | None]) -> None:
    """Change a row in whichever segment has it, or remove it."""
    for folder in sorted(home.glob("0*")):
        with lmdb.open(str(folder), max_dbs=8) as file, file.begin(write=True) as transaction:
            db = file.open_db(table, txn=transaction)
            found = transaction.get(key, db=db)
            if found is not None:
                new = change(found)
                if new is None:
                    transaction.delete(key, db=db)
                else:
                    transaction.put(key, new, db=db)


def rows(home: Path, table: bytes) -> Iterator[tuple[bytes, bytes]]:
    for folder in sorted(home.glob("0*")):
        with lmdb.open(str(folder), max_dbs=8, readonly=True) as file:
            db = file.open_db(table, create=False)
            with file.begin() as look:
                yield from list(look.cursor(db))


def test_a_sound_log_is_found_sound(home: Path) -> None:
    progress: list[int] = []
    assert audited(home) == audit_path(home, progress=progress.append) == AuditReport(8)
    assert progress[-1] == 8


def test_b48_every_byte_of_every_record_counts(home: Path) -> None:
    random = Random(7)  # noqa: S311 - which bit is turned is no secret
    for key, stored in list(rows(home, b"log")):
        (position,) = NUMBER.unpack(key)
        for offset in random.sample(range(len(stored)), 12):
            changed(home, b"log", key, partial(_turned, offset))
            report = audited(home)
            assert report.bad is not None
            assert (report.records, report.bad.position) == (position, position)
            changed(home, b"log", key, partial(_replaced, stored))
    assert audited(home).bad is None


def test_b48_a_changed_byte_of_a_long_text_counts(home: Path) -> None:
    ((key, _),) = rows(home, b"payloads")
    changed(home, b"payloads", key, partial(_turned, 77_777))
    bad = audited(home).bad
    assert bad is not None
    assert bad.position == 3
    with LMDBLog.open(home, readonly=True) as log, pytest.raises(CorruptRecord):
        list(log.read("b"))


def test_a_record_written_anew_with_a_sound_digest_breaks_the_chain(home: Path) -> None:
    def lie(old: bytes) -> bytes:
        unsigned = old[: -digest.SIZE].replace(b"content\xa1y", b"content\xa1n")
        return unsigned + digest.leaf(unsigned)

    changed(home, b"log", NUMBER.pack(1), lie)
    bad = audited(home).bad
    assert bad is not None
    assert (bad.position, "does not continue" in bad.reason) == (2, True)
    with LMDBLog.open(home, readonly=True) as log, pytest.raises(CorruptRecord):
        list(log.read("a"))


def test_b48_a_missing_record_is_found(home: Path) -> None:
    changed(home, b"log", NUMBER.pack(2), _removed)
    bad = audited(home).bad
    assert bad is not None
    assert (bad.position, "missing" in bad.reason) == (2, True)


def test_b48_what_stands_around_a_damaged_record_can_still_be_read(home: Path) -> None:
    changed(home, b"log", NUMBER.pack(1), partial(_turned, -1))
    with LMDBLog.open(home, readonly=True) as log:
        with pytest.raises(CorruptRecord, match="position 1") as found:
            list(log.read("a"))
        assert found.value.position == 1
        assert [record.version for record in log.read("a", until=0)] == [0]
        assert [record.version for record in log.read("a", after=1)] == [2, 3]
        assert [record.version for record in log.read("b")] == [0, 1]
        assert [record.position for record in log.read_all(after=1)] == list(range(2, log.end))


def test_side_tables_that_differ_from_the_log_are_found(home: Path) -> None:
    cases: list[tuple[bytes, bytes, int]] = [
        (b"streams", PLACE.pack(0, 1), 1),
        (b"commands", b"1", 0),
        (b"names", b"b", 3),
        (b"names", b"f", 6),
        (b"heads", NUMBER.pack(2), 7),
    ]
    for number, (table, key, position) in enumerate(cases):
        for change in (_removed, partial(_turned, -1)):
            copy = Path(copytree(home, home.parent / f"{number}-{change is _removed}"))
            changed(copy, table, key, change)
            bad = audited(copy).bad
            assert bad is not None, (table, key)
            if table in {b"streams", b"commands"}:
                assert bad.position == position


def test_a_row_too_many_is_found(home: Path) -> None:
    with lmdb.open(str(home / "000000"), max_dbs=8) as file, file.begin(write=True) as transaction:
        transaction.put(b"never given", bytes(28), db=file.open_db(b"commands", txn=transaction))
    bad = audited(home).bad
    assert bad is not None
    assert "commands" in bad.reason


def test_memory_is_audited_by_the_same_rules() -> None:
    log = MemoryLog()
    parent = log.commit(append("a", NO_STREAM, "1", "x", LONG)).records
    log.commit(fork("f", parent[0], "2"))
    assert audit(log) == AuditReport(3)


def test_b48_garbage_within_the_file_ends_in_a_report_not_in_a_crash(tmp_path: Path) -> None:
    with LMDBLog.open(tmp_path / "log") as log:
        for version in range(60):
            log.commit(append("s", version - 1, f"c{version}", "x" * 1500))
    data = tmp_path / "log" / "000000" / "data.mdb"
    sound = data.read_bytes()
    random = Random(3)  # noqa: S311 - any garbage will do
    for _ in range(6):
        broken = bytearray(sound)
        for _ in range(8):
            page = random.randrange(2, len(sound) // 4096)
            broken[page * 4096 : (page + 1) * 4096] = random.randbytes(4096)
        data.write_bytes(broken)
        try:
            report = audit_path(tmp_path / "log")
        except LogUnreadable as error:
            assert str(error)  # noqa: PT017 - either way of saying so is good
        else:
            assert report.bad is not None
            assert 0 <= report.bad.position <= 60


def test_a_truncated_log_cannot_be_audited_and_says_so(home: Path) -> None:
    data = home / "000000" / "data.mdb"
    data.write_bytes(data.read_bytes()[:9000])
    with pytest.raises(LogUnreadable, match="truncated"):
        audit_path(home)


def test_digests_vouch_for_the_bytes_as_they_lie_on_disk(home: Path) -> None:
    for _, stored in rows(home, b"log"):
        assert digest.leaf(stored[: -digest.SIZE]) == digest_of(stored)


def _turned(offset: int, old: bytes) -> bytes:
    new = bytearray(old)
    new[offset] ^= 4
    return bytes(new)


def _replaced(new: bytes, _: bytes) -> bytes:
    return new


def _removed(_: bytes) -> None:
    return None
