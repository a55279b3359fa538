"""A real log in a real file for simulations: LMDB as it is, in memory where the machine offers a place there.

A process that dies takes its machine with it: what was not synced is gone, and the next one opens what is
left. Where files live in memory a sync has nothing to do, so the file is asked whether its commits sync.
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
        self._home, self._synced = self._folder / "log", self._folder / "synced"
        self.log: EventLog = self._open()

    def reopen(self) -> EventLog:
        """Let go of the file as a machine does that loses its power, and open it as the next one."""
        self.log.close()
        if self._synced.exists():
            shutil.rmtree(self._home)
            self._synced.rename(self._home)
        self.log = self._open()
        return self.log

    def close(self) -> None:
        self.log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _open(self) -> EventLog:
        log = LMDBLog.open(self._home, log_id=bytes(16), map_bytes=MAP_BYTES)
        if not log.segments.active.environment.syncs:
            shutil.copytree(self._home, self._synced)
        return log
