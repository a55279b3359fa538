"""Patience with a run: one that does not end, because code in it hangs, is given up and told as a failure."""

import signal
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from refold.testing.places import place

RUN_S = 60.0
"""How long a run may take; one of ours takes some thousandths of a second."""
EVERY_RUN_ENDS = "every_run_ends"
TICKS = 20
"""Into so many parts the time is divided."""


class Hung(KeyboardInterrupt):
    """Raised in the middle of a run: like Ctrl-C it ends the run, and no actor dies of it."""


@contextmanager
def patient(seconds: float) -> Generator[Callable[[], None]]:
    """Yield what to call before each run: so long after the last call `Hung` is raised in this thread.

    Time in which the process is stopped, as by Ctrl-Z, does not count: what is counted is ticks, of which a
    stopped process gets one. Signals reach the main thread alone; in any other nothing is given up.
    """
    if threading.current_thread() is not threading.main_thread():
        yield _nothing
        return
    ticks = 0

    def tick(_: int, frame: FrameType | None) -> None:
        nonlocal ticks
        ticks += 1
        if ticks > TICKS:
            raise Hung(f"it was not over after {seconds:g} s{place(traceback.walk_stack(frame))}")

    def begin() -> None:
        nonlocal ticks
        ticks = 0

    handler = signal.signal(signal.SIGALRM, tick)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds / TICKS, seconds / TICKS)
    try:
        yield begin
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)  # Whoever runs tests may have set one of their own.
        signal.signal(signal.SIGALRM, handler)


def _nothing() -> None:
    pass
