"""Patience with a run: one that does not end, because code in it hangs, is given up and told as a failure."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

RUN_S = 60.0
"""How long a run may take; one of ours takes some thousandths of a second."""
EVERY_RUN_ENDS = "every_run_ends"
OURS = "refold."
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
            raise Hung(f"it was not over after {seconds:g} s{_where(frame)}")

    def begin() -> None:
        nonlocal ticks
        ticks = 0

    handler = signal.signal(signal.SIGALRM, tick)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds / TICKS, seconds / TICKS)
    try:
        yield begin
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)  # Whoever runs tests may have set one of their own.


def _nothing() -> None:
    pass


def _where(frame: FrameType | None) -> str:
    """Return the innermost line that is not Refold's own, if there is one below a run of ours."""
    while frame is not None:
        code = frame.f_code
        if not str(frame.f_globals.get("__name__")).startswith(OURS):
            return f" ({code.co_filename.rpartition('/')[2]}:{frame.f_lineno}, in {code.co_name})"
        frame = frame.f_back
    return ""
