"""The time of a process: the wall clock's, except that it never goes back and never stands still."""

import threading
import time
from collections.abc import Callable


class Clock:
    """Follows the wall clock forward. When that is set back, time goes on from where it was.

    Standing still instead would keep every timer waiting until the wall clock had caught up.
    """

    def __init__(
        self, wall_ns: Callable[[], int] = time.time_ns, steady_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._lock = threading.Lock()
        self._now_ns = wall_ns()
        self._seen_ns = steady_ns()

    def now_ns(self) -> int:
        with self._lock:
            steady_ns = self._steady_ns()
            self._now_ns = max(self._wall_ns(), self._now_ns + steady_ns - self._seen_ns)
            self._seen_ns = steady_ns
            return self._now_ns
