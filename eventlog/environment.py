"""One LMDB environment, shared by all who open it in this process: it grows, and it can be opened anew.

LMDB allows a file to be open once per process. A map may change its size only while no transaction is
open in it, so every transaction passes a gate.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from os import O_CREAT, O_RDWR, close, fstat, getpid, posix_fallocate
from os import open as open_file
from pathlib import Path
from threading import Lock

import lmdb

from refold.eventlog.datafile import inspect
from refold.eventlog.gate import Gate
from refold.eventlog.log import DiskFull, LogClosed, LogUnreadable
from refold.eventlog.trouble import is_full

MAP_BYTES = 1 << 30
READERS_MAX = 254
NAMES = (b"log", b"streams", b"names", b"heads", b"commands", b"payloads", b"agenda", b"meta")
_LOCK_BYTES = 64 * (READERS_MAX + 2)


class Databases:
    """The tables of a segment; see `segment.py` for what they hold."""

    def __init__(self, open_db: Callable[[bytes], "lmdb._Database"]) -> None:
        (
            self.log,
            self.streams,
            self.names,
            self.heads,
            self.commands,
            self.payloads,
            self.agenda,
            self.meta,
        ) = (open_db(name) for name in NAMES)


def open_raw(
    folder: Path, *, readonly: bool, create: bool = False, map_bytes: int = MAP_BYTES
) -> lmdb.Environment:
    """Open the file with the settings that durability rests on: both syncs, no write map."""
    lock = _prepare_lock(folder / "lock.mdb", readonly=readonly)
    return lmdb.open(
        str(folder),
        map_size=map_bytes,
        readonly=readonly,
        create=create,
        mode=0o600,
        max_dbs=len(NAMES),
        max_readers=READERS_MAX,
        max_spare_txns=4,
        lock=lock,
        lib_version=0,
    )


def _prepare_lock(path: Path, *, readonly: bool) -> bool:
    """Give the lock file its blocks: LMDB maps it, and a map without room behind it kills the process.

    A reader on a full or read-only disk goes without, which is safe as nobody can be writing there.
    """
    try:
        if path.stat().st_blocks * 512 >= _LOCK_BYTES:
            return True
    except FileNotFoundError:
        pass
    try:
        file = open_file(path, O_RDWR | O_CREAT, 0o600)
        try:
            posix_fallocate(file, 0, max(_LOCK_BYTES, fstat(file).st_size))
        finally:
            close(file)
    except OSError as error:
        if not readonly:
            if is_full(error, Path(path).parent):
                raise DiskFull(f"{path}: no room for the lock file") from error
            raise LogUnreadable(f"{path}: {error.strerror}") from error
        return False
    return True


class Environment:
    """Transactions over one segment's file; `dbs` changes when it is opened anew."""

    def __init__(self, folder: Path, *, readonly: bool, map_bytes: int) -> None:
        self.folder = folder
        self.readonly = readonly
        self.dbs: Databases
        self._map_bytes = map_bytes
        self._page_bytes = 0
        self._gate = Gate()
        self._env: lmdb.Environment | None = None
        self._open()

    def _open(self) -> None:
        inspect(self.folder / "data.mdb")
        try:
            env = open_raw(self.folder, readonly=self.readonly, map_bytes=self._map_bytes)
        except lmdb.Error as error:
            raise LogUnreadable(f"{self.folder}: {error}") from error
        try:
            self.dbs = Databases(lambda name: env.open_db(name, create=False))
        except lmdb.Error as error:
            env.close()
            raise LogUnreadable(f"{self.folder} is no log: {error}") from error
        with suppress(lmdb.Error):
            env.reader_check()
        self._map_bytes = env.info()["map_size"]
        self._page_bytes = env.stat()["psize"]
        self._env = env

    @property
    def _opened(self) -> lmdb.Environment:
        if self._env is None:
            raise LogClosed(f"{self.folder} is closed")
        return self._env

    @contextmanager
    def _passing(self) -> Generator[lmdb.Environment]:
        """Ask the file something without a transaction: never while it is being opened anew."""
        self._gate.enter()
        try:
            yield self._opened
        finally:
            self._gate.leave()

    @contextmanager
    def read(self) -> "Generator[lmdb.Transaction[bytes]]":
        """Look at one state of the file, shortly; never keep it open across a wait."""
        transaction = self._begin(write=False)
        try:
            yield transaction
        except lmdb.Error as error:
            raise LogUnreadable(f"{self.folder}: {error}") from error
        finally:
            transaction.abort()
            self._gate.leave()

    @contextmanager
    def write(self) -> "Generator[lmdb.Transaction[bytes]]":
        """Hold the one write transaction; it is aborted unless the block commits it."""
        transaction = self._begin(write=True)
        try:
            yield transaction
        finally:
            with suppress(lmdb.Error):
                transaction.abort()
            self._gate.leave()

    def _begin(self, *, write: bool) -> "lmdb.Transaction[bytes]":
        while True:
            self._gate.enter()
            try:
                return self._opened.begin(write=write)
            except lmdb.MapResizedError:
                self._gate.leave()
                with self._gate.alone():
                    self._opened.set_mapsize(0)
                    self._map_bytes = self._opened.info()["map_size"]
            except lmdb.Error as error:
                self._gate.leave()
                if write:
                    raise
                raise LogUnreadable(f"{self.folder}: {error}") from error
            except BaseException:
                self._gate.leave()
                raise

    @property
    def map_bytes(self) -> int:
        return self._map_bytes

    @property
    def syncs(self) -> bool:
        """Whether a commit is on the disk when it returns."""
        flags = self._opened.flags()
        return bool(flags["sync"] and flags["metasync"])

    @property
    def transaction(self) -> int:
        """The number of the last committed transaction, whoever made it."""
        with self._passing() as env:
            return env.info()["last_txnid"]

    @property
    def file_bytes(self) -> int:
        """The size of the file; asked from within a transaction, or by the only one who has it open."""
        return (self._opened.info()["last_pgno"] + 1) * self._page_bytes

    def check_readers(self) -> int:
        """Free the places of readers that died; their pages could never be used again."""
        with self._passing() as env:
            return env.reader_check()

    def grow(self, seen: int) -> None:
        """Double the map, unless somebody has since it had `seen` bytes."""
        with self._gate.alone():
            env = self._opened
            if env.info()["map_size"] <= seen:
                env.set_mapsize(seen * 2)
                self._map_bytes = seen * 2

    def reopen(self) -> None:
        """Open the file anew: after a failed commit nothing that is in memory can be trusted."""
        with self._gate.alone():
            if self._env is not None:
                self._env.close()
                self._env = None
            self._open()

    def close(self) -> None:
        with self._gate.alone():
            if self._env is not None:
                self._env.close()
                self._env = None


class _Shared:
    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.users = 1


_lock = Lock()
_shared: dict[tuple[int, int, int], _Shared] = {}


def _identity(folder: Path) -> tuple[int, int, int]:
    try:
        found = (folder / "data.mdb").stat()
    except OSError as error:
        raise LogUnreadable(f"{folder} holds no log: {error.strerror}") from error
    return getpid(), found.st_dev, found.st_ino


def acquire(folder: Path, *, readonly: bool, map_bytes: int = MAP_BYTES) -> Environment:
    """Open a segment's file, or join those who have it open in this process."""
    with _lock:
        identity = _identity(folder)
        shared = _shared.get(identity)
        if shared is None:
            environment = Environment(folder, readonly=readonly, map_bytes=map_bytes)
            _shared[identity] = _Shared(environment)
            return environment
        if shared.environment.readonly and not readonly:
            raise LogUnreadable(f"{folder} is open in this process, but only for reading")
        shared.users += 1
        return shared.environment


def release(environment: Environment) -> None:
    """Leave it; the last one closes it."""
    with _lock:
        for identity, shared in list(_shared.items()):
            if shared.environment is environment:
                shared.users -= 1
                if not shared.users:
                    del _shared[identity]
                    environment.close()
