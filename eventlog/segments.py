"""All segments of a log, oldest first; the last one is active, the others are sealed."""

from collections.abc import Sequence
from os import F_OK, access
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from refold.eventlog.birth import CATALOGUE, Rows, bring_forth, folder_of, sweep
from refold.eventlog.environment import MAP_BYTES
from refold.eventlog.log import LogClosed, LogUnreadable
from refold.eventlog.segment import Segment

if TYPE_CHECKING:
    import lmdb


class Segments:
    """Which segments there are; another process may add one at any time, which `refresh` notices."""

    def __init__(self, home: Path, *, readonly: bool, map_bytes: int = MAP_BYTES) -> None:
        self.home = home
        self._readonly = readonly
        self._map_bytes = map_bytes
        self._lock = Lock()
        self._open: list[Segment] = []
        self._next = str(folder_of(home, 0))
        self.closed = False
        if not _is_there(self._next):
            raise LogUnreadable(f"no log at {home}")
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    @property
    def log(self) -> bytes:
        return self._open[0].log

    @property
    def active(self) -> Segment:
        if self.closed:
            raise LogClosed("the log is closed")
        return self._open[-1]

    @property
    def before(self) -> Segment | None:
        """The segment before the active one."""
        return self._open[-2] if len(self._open) > 1 else None

    @property
    def all(self) -> Sequence[Segment]:
        if self.closed:
            raise LogClosed("the log is closed")
        return tuple(self._open)

    def refresh(self) -> Segment:
        """Open the segments that came to be; return the active one."""
        while not self.closed and _is_there(self._next):
            with self._lock:
                if _is_there(self._next):
                    self._join(len(self._open))
        return self.active

    def _join(self, number: int) -> None:
        folder = folder_of(self.home, number)
        segment = Segment(folder, readonly=self._readonly, map_bytes=self._map_bytes)
        expected = self._open[-1] if self._open else None
        if segment.number != number or (expected is not None and segment.log != expected.log):
            segment.close()
            raise LogUnreadable(f"{folder} is not segment {number} of this log")
        self._open.append(segment)
        self._next = str(folder_of(self.home, number + 1))

    def succeeded(self) -> bool:
        """Tell whether the active segment is sealed: asked with its write lock held, the answer is final."""
        return _is_there(self._next)

    def containing(self, position: int) -> Segment:
        for segment in reversed(self.all):
            if position >= segment.base:
                return segment
        return self.all[0]

    def rotate(self, transaction: "lmdb.Transaction[bytes]", end: int) -> None:
        """Seal the active segment, whose write transaction is `transaction`, by giving it a successor."""
        sealed = self.active
        sweep(self.home, sealed.number + 1)
        tables = dict(zip(CATALOGUE, _tables(sealed), strict=True))
        catalogue: dict[bytes, Rows] = {
            name: iter(transaction.cursor(table)) for name, table in tables.items()
        }
        bring_forth(self.home, sealed.number + 1, log=self.log, base=end, catalogue=catalogue)

    def close(self) -> None:
        with self._lock:
            self.closed = True
            while self._open:
                self._open.pop().close()


def _tables(segment: Segment) -> "tuple[lmdb._Database, ...]":
    dbs = segment.environment.dbs
    return dbs.names, dbs.heads, dbs.agenda


def _is_there(folder: str) -> bool:
    """Asked with every commit and every look, where a `Path` and its exceptions would be felt."""
    return access(folder, F_OK)
