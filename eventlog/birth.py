"""How a segment comes into the world: complete, under another name, and then all at once under its own.

LMDB writes the first pages of a new file without syncing them: a crash at that moment would leave
something that is no log. Here it leaves a folder that nobody looks at.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from os import O_DIRECTORY, O_RDONLY, close, fsync, getpid
from os import open as open_file
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

import lmdb

from refold.eventlog.environment import NAMES, open_raw
from refold.eventlog.header import FORMAT
from refold.eventlog.log import DiskFull, LogUnreadable
from refold.eventlog.trouble import is_full

CATALOGUE = (b"names", b"heads", b"agenda")
type Rows = Iterator[tuple[bytes, bytes]]


def folder_of(home: Path, number: int) -> Path:
    return home / f"{number:06d}"


def bring_forth(home: Path, number: int, *, log: bytes, base: int, catalogue: dict[bytes, Rows]) -> bool:
    """Create segment `number`; return False when somebody else was first."""
    target = folder_of(home, number)
    folder = home / f".{target.name}.{getpid()}.{uuid4().hex}"
    try:
        with _full_disk_told(folder):
            folder.mkdir(mode=0o700)
            _write(folder, number, log, base, catalogue)
            sync(folder)
            try:
                folder.rename(target)
            except OSError:
                if target.exists():
                    return False
                raise
            sync(home)
            return True
    finally:
        rmtree(folder, ignore_errors=True)


def sweep(home: Path, number: int) -> None:
    """Remove what was left behind by those who died while they prepared segments up to `number`."""
    for folder in home.glob(".[0-9]*.*.*"):
        if folder.name[1:7].isdigit() and int(folder.name[1:7]) <= number:
            rmtree(folder, ignore_errors=True)


def sync(folder: Path) -> None:
    """Make a folder's entries durable."""
    file = open_file(folder, O_RDONLY | O_DIRECTORY)
    try:
        fsync(file)
    finally:
        close(file)


def _write(folder: Path, number: int, log: bytes, base: int, catalogue: dict[bytes, Rows]) -> None:
    env = open_raw(folder, readonly=False, create=True)
    try:
        dbs = {name: env.open_db(name) for name in NAMES}
        rows = (
            (b"format", str(FORMAT).encode()),
            (b"log", log),
            (b"number", str(number).encode()),
            (b"base", str(base).encode()),
        )
        _fill(env, dbs[b"meta"], iter(rows))
        for name in CATALOGUE:
            _fill(env, dbs[name], catalogue.get(name, iter(())))
        env.sync(force=True)
    finally:
        env.close()


_AT_ONCE = 10_000


def _fill(env: lmdb.Environment, db: "lmdb._Database", rows: Rows) -> None:
    """Write rows in several transactions, growing as needed: a catalogue may be long."""
    held: list[tuple[bytes, bytes]] = []
    more = True
    while more:
        row = next(rows, None)
        more = row is not None
        if row is not None:
            held.append(row)
        if len(held) >= _AT_ONCE or (held and not more):
            _put(env, db, held)
            held = []


def _put(env: lmdb.Environment, db: "lmdb._Database", rows: list[tuple[bytes, bytes]]) -> None:
    while True:
        try:
            with env.begin(write=True) as transaction:
                for key, value in rows:
                    transaction.put(key, value, db=db)
        except lmdb.MapFullError:
            env.set_mapsize(env.info()["map_size"] * 2)
        else:
            return


@contextmanager
def _full_disk_told(folder: Path) -> Generator[None]:
    try:
        yield
    except (OSError, lmdb.Error) as error:
        if is_full(error, folder.parent):
            raise DiskFull(f"{folder.parent}: no room for a new segment") from error
        raise LogUnreadable(f"{folder.parent}: {error}") from error
