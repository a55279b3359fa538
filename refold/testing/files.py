"""A real log in a real file for simulations: LMDB as it is, in memory where the machine offers a place there.

Nothing is left out of what it does: where files live in memory, a sync has nothing to do. A process that
dies leaves what it committed, and the next one opens the file anew.
"""

import shutil
from pathlib import Path
from tempfile import mkdtemp

from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import EventLog

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder is made in it by `mkdtemp`
MAP_BYTES = 1 << 24


class LogFile:
    """A log in a temporary folder; `close` removes it."""

    def __init__(self) -> None:
        self._folder = Path(mkdtemp(prefix="refold-", dir=MEMORY if MEMORY.is_dir() else None))
        self.log: EventLog = self._open()

    def reopen(self) -> EventLog:
        """Let go of the file as a dead process does, and open it as the next one."""
        self.log.close()
        self.log = self._open()
        return self.log

    def close(self) -> None:
        self.log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _open(self) -> EventLog:
        return LMDBLog.open(self._folder / "log", log_id=bytes(16), map_bytes=MAP_BYTES)
