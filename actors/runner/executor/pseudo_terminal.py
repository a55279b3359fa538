"""The terminal that commands see, held by its master end."""

import fcntl
import os
import select
import struct
import termios
import time

_ROWS, _COLUMNS = 1000, 1000
"""So large that nothing is wrapped or paged: what is written is read by a program in the end."""


class PseudoTerminal:
    """A terminal that keeps signals and line input, but neither echoes nor rewrites anything."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self.make_plain()
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        os.set_blocking(self.master, False)

    def make_plain(self) -> None:
        """Set the terminal up, also after a program that left it otherwise, and drop what nobody has read."""
        settings = termios.tcgetattr(self.master)
        settings[0] = termios.ICRNL
        settings[1] = 0
        settings[3] = termios.ISIG | termios.ICANON
        termios.tcsetattr(self.master, termios.TCSANOW, settings)
        termios.tcflush(self.master, termios.TCIFLUSH)

    def read(self, size: int) -> bytes:
        """Wait for output; b"" once every process that had the terminal open is gone."""
        while True:
            try:
                return os.read(self.master, size)
            except BlockingIOError:
                select.select([self.master], [], [])
            except OSError:
                return b""

    def type(self, data: bytes, *, timeout_s: float) -> bool:
        """Type `data`; False if nobody reads it and there is no room left."""
        until = time.monotonic() + timeout_s
        while data:
            try:
                data = data[os.write(self.master, data) :]
            except BlockingIOError:
                if time.monotonic() > until:
                    return False
                select.select([], [self.master], [], 0.1)
            except OSError:
                return False
        return True

    def foreground(self) -> int:
        """Return the process group that the terminal's signals go to; 0 if there is none."""
        try:
            return os.tcgetpgrp(self.master)
        except OSError:
            return 0
