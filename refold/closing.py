"""Letting go of many sessions at once, within a limit: what a process does that is told to end."""

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from refold.errors import RefoldError
from refold.session import Session

if TYPE_CHECKING:
    from refold.system import System

WITHIN_S = 30.0


def close_all(system: "System", reason: str, *, within_s: float = WITHIN_S) -> tuple[str, ...]:
    """Close every session that is driven here, side by side; return those that were not closed in time.

    What is not closed by then is as safe as after a kill: nothing acknowledged is lost, and `resume` goes on.
    """
    threads = {
        name: threading.Thread(target=_close, args=(system, name, reason), name=f"close-{name}", daemon=True)
        for name in system.driven()
    }
    for thread in threads.values():
        thread.start()
    until = time.monotonic() + within_s
    for thread in threads.values():
        thread.join(max(0.0, until - time.monotonic()))
    return tuple(name for name, thread in threads.items() if thread.is_alive())


def _close(system: "System", name: str, reason: str) -> None:
    with contextlib.suppress(RefoldError):  # It is somebody else's by now, or closed already.
        Session(system, name).close(reason)
