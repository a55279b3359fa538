"""Who drives a session, as the operating system knows it: a byte of one file, locked while its driver lives.

The lock only spares duels; what keeps an older driver from acting is the epoch in the log.
"""

import fcntl
import os
import struct
from hashlib import sha256
from types import TracebackType
from typing import Self

from refold.actors.delegation.state import root_name
from refold.home import Home

_FLOCK = struct.Struct("hhqqi4x")
"""`struct flock` of Linux: type, whence, start, length, pid."""
_OFFSETS = 2**62


class DriverLock:
    """One session's byte. Held until `release`, or until the process is gone, however it goes."""

    def __init__(self, home: Home, session: str) -> None:
        self._path = home.lock_path
        session = root_name(session)  # Who drives a session drives its delegates.
        self._offset = int.from_bytes(sha256(session.encode()).digest()[:8], "big") % _OFFSETS
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock; False if another driver holds it."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, self._request(fcntl.F_WRLCK))
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def is_held(self) -> bool:
        """Whether some driver holds the lock now, this one included."""
        if self._file is not None:
            return True
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            answer = fcntl.fcntl(file, fcntl.F_OFD_GETLK, self._request(fcntl.F_WRLCK))
            kind: int = _FLOCK.unpack(answer)[0]
            return kind != fcntl.F_UNLCK
        finally:
            os.close(file)

    def _request(self, kind: int) -> bytes:
        return _FLOCK.pack(kind, os.SEEK_SET, self._offset, 1, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
