"""A time limit for what cannot be interrupted: a file system that hangs must not hang its agent."""

import queue
import threading
from collections.abc import Callable
from typing import Any

from .text_file import Unreadable


def within(limit_s: float, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what `work` returns, or raise what it raises; `Unreadable` if it takes longer."""
    done: queue.SimpleQueue[dict[str, Any] | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            done.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        came = done.get(timeout=limit_s)
    except queue.Empty:
        raise Unreadable(f"It did not end within {limit_s:g} seconds. It may still take effect.") from None
    if isinstance(came, BaseException):
        raise came
    return came
