"""Files that are no log, or no longer one: a clear sentence instead of a crash, and nobody else may look."""

import shutil
from pathlib import Path
from random import Random

import lmdb
import pytest

from refold.eventlog.audit import audit
from refold.eventlog.birth import bring_forth
from refold.eventlog.datafile import inspect
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM, LogError, LogUnreadable
from refold.testing.appends import append


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a closed log of some 60 records."""
    with LMDBLog.open(tmp_path / "log") as log:
        for number in range(20):
            log.commit(append(f"s{number}", NO_STREAM, f"c{number}", "x" * 3000, "y", "z" * 90_000))
    return tmp_path / "log"


def test_only_the_owner_may_read_a_log(home: Path) -> None:
    assert (home.stat().st_mode & 0o777, (home / "000000").stat().st_mode & 0o777) == (0o700, 0o700)
    assert {path.name for path in (home / "000000").iterdir()} == {"data.mdb", "lock.mdb"}
    for path in (home / "000000").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_that_is_not_there_is_not_made_by_reading_it(tmp_path: Path) -> None:
    with pytest.raises(LogUnreadable, match="no log at"):
        LMDBLog.open(tmp_path / "none", readonly=True)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("readonly", [True, False])
def test_garbage_is_told_from_a_log(home: Path, readonly: bool) -> None:  # noqa: FBT001 - a parameter of the test
    (home / "000000" / "data.mdb").write_bytes(b"These are not the bytes of a log. " * 4096)
    with pytest.raises(LogUnreadable, match="does not begin as one"):
        LMDBLog.open(home, readonly=readonly)


@pytest.mark.parametrize("part", [0.0, 0.00001, 0.001, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_told_from_a_whole_one(home: Path, part: float) -> None:
    data = home / "000000" / "data.mdb"
    whole = data.read_bytes()
    data.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(LogUnreadable, match="truncated"):
        LMDBLog.open(home, readonly=True)


def test_a_file_that_ends_in_pages_nobody_wrote_is_whole(tmp_path: Path) -> None:
    """LMDB leaves pages unwritten that were given up in the transaction that took them from the end."""
    for seed in range(60):
        data = tmp_path / str(seed) / "data.mdb"
        if _churn(data.parent, Random(seed)) > data.stat().st_size:  # noqa: S311 - chance, not secrecy
            inspect(data)
            with data.open("r+b") as file:
                file.truncate(data.stat().st_size // 2)
            with pytest.raises(LogUnreadable, match="truncated"):
                inspect(data)
            return
    pytest.fail("no such file came about")


def _churn(folder: Path, random: Random) -> int:
    """Put and delete until the file is shorter than its table of contents says; return what that says."""
    with lmdb.open(str(folder), map_size=1 << 26, max_dbs=1, sync=False) as file:
        db, claimed = file.open_db(b"a"), 0
        for _ in range(40):
            with file.begin(write=True) as transaction:
                for _ in range(random.randrange(1, 40)):
                    key = b"%03d" % random.randrange(60)
                    if random.random() < 0.5:
                        transaction.delete(key, db=db)
                    else:
                        transaction.put(key, bytes(random.choice([10, 900, 1900])), db=db)
            claimed = (file.info()["last_pgno"] + 1) * 4096
            if claimed > (folder / "data.mdb").stat().st_size:
                break
    return claimed


def test_an_lmdb_file_of_somebody_else_is_told_from_a_log(home: Path) -> None:
    shutil.rmtree(home / "000000")
    (home / "000000").mkdir()
    with lmdb.open(str(home / "000000"), max_dbs=2) as other, other.begin(write=True) as transaction:
        transaction.put(b"their", b"data")
    with pytest.raises(LogUnreadable, match="is no log"):
        LMDBLog.open(home, readonly=True)


def test_a_log_of_another_format_says_which(home: Path) -> None:
    with lmdb.open(str(home / "000000"), max_dbs=8) as file, file.begin(write=True) as transaction:
        transaction.put(b"format", b"2", db=file.open_db(b"meta", txn=transaction))
    with pytest.raises(LogUnreadable, match="format '2', this version reads 1"):
        LMDBLog.open(home)


def test_a_segment_of_another_log_is_not_joined(home: Path) -> None:
    bring_forth(home, 1, log=b"another log's id", base=60, catalogue={})
    with pytest.raises(LogUnreadable, match="not segment 1 of this log"):
        LMDBLog.open(home, readonly=True)


def test_a_log_is_opened_under_its_own_id_only(home: Path) -> None:
    with pytest.raises(LogUnreadable, match="holds the log"):
        LMDBLog.open(home, log_id=bytes(16))


def test_a_log_opened_for_reading_takes_nothing(home: Path) -> None:
    with LMDBLog.open(home, readonly=True) as log:
        assert log.end == 60
        with pytest.raises(LogError, match="reading only"):
            log.commit(append("t", NO_STREAM, "t"))


def test_a_log_can_be_opened_twice_in_one_process(home: Path) -> None:
    with LMDBLog.open(home) as one, LMDBLog.open(home) as two, LMDBLog.open(home, readonly=True) as three:
        following = three.subscribe(after=59)
        one.commit(append("t", NO_STREAM, "t0"))
        two.commit(append("t", 0, "t1"))
        one.close()
        two.commit(append("t", 1, "t2"))
        taken = 0
        while taken < 3:
            taken += len(following.take(timeout_s=30))
        assert three.end == 63


def test_what_was_left_behind_by_a_crash_during_creation_is_swept_away(home: Path) -> None:
    left = home / ".000001.4711.abc"
    left.mkdir()
    (left / "data.mdb").write_bytes(b"half")
    with LMDBLog.open(home, segment_bytes=1) as log:
        log.commit(append("t", NO_STREAM, "t"))
        assert audit(log).records == 61
    assert sorted(path.name for path in home.iterdir()) == ["000000", "000001"]


def test_a_crash_during_the_very_first_creation_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    home = tmp_path / "log"
    (home / ".000000.4711.abc").mkdir(parents=True)
    with LMDBLog.open(home) as log:
        log.commit(append("t", NO_STREAM, "t"))
        assert log.end == 1
