"""Whether a keeper lives, asked of itself: one that hangs counts as gone, and is ended so that it stays so.

A command may take hours and say nothing; its keeper answers within a moment all the while. Whoever waits for
something asks it for a sign of life from time to time, and gives it up where none comes.
"""

import contextlib
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

from refold.actors.runner.executor.lines import line
from refold.actors.runner.executor.processes import descendants

TRIES = 3
"""How often it is asked within its time: where a whole machine stood still, one try is over at once."""
PING: dict[str, Any] = {"id": 0, "do": "ping"}
_END_S = 5.0


def answers(place: str, *, within_s: float) -> bool:
    """Whether whoever listens at this socket says anything. Raises `OSError` where nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(within_s / TRIES)
        link.connect(place)
        for _ in range(TRIES):
            try:
                link.sendall(line(PING))
                link.recv(1)
            except TimeoutError:
                continue
            except ConnectionError:
                pass  # A keeper of an older version does not know the question, and hangs up.
            return True
    return False


def peer(link: socket.socket) -> int:
    """Return the process that listens where `link` leads."""
    number, _, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(number)


def put_down(keeper: int) -> None:
    """Kill a keeper that does not end by itself; return when it is gone, and what it started as well."""
    below = descendants(keeper)
    with contextlib.suppress(ProcessLookupError):
        os.kill(keeper, signal.SIGKILL)
    for process in below:  # Its executor sees the end of its input and goes, if it was not stopped like it.
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGCONT)
    for process in _left((keeper, *below), within_s=_END_S):
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)


def _left(processes: Sequence[int], *, within_s: float) -> list[int]:
    """Wait for the end of all of them; return those that are left."""
    until, left = time.monotonic() + within_s, []
    for process in processes:
        try:
            held = os.pidfd_open(process)
        except (OSError, AttributeError):
            continue
        if not select.select([held], [], [], max(0.0, until - time.monotonic()))[0]:
            left.append(process)
        os.close(held)
    return left
