"""Threads for work that blocks: as many as there is work, up to a limit, and fewer again when it is done."""

import threading
from collections import deque
from collections.abc import Callable

IDLE_S = 30.0
"""A thread that has had nothing to do for this long ends."""


class Errands:
    """Runs jobs on daemon threads. A job must not raise."""

    def __init__(self, threads_max: int) -> None:
        self._threads_max = threads_max
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._threads = 0
        self._idle = 0
        self._closed = False

    @property
    def threads(self) -> int:
        return self._threads

    def run(self, job: Callable[[], None]) -> None:
        """Run `job` on a thread of its own, or once one is free when there are too many."""
        with self._changed:
            if self._closed:
                return
            self._jobs.append(job)
            if self._idle >= len(self._jobs):
                self._changed.notify()
            elif self._threads < self._threads_max:
                self._start_thread()

    def close(self) -> None:
        """Start nothing more. What runs is abandoned: it ends with the process."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify_all()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name="errand", daemon=True)
        self._threads += 1
        try:
            thread.start()
        except RuntimeError:  # The machine has no more threads: the job waits for one of those that run.
            self._threads -= 1

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._idle += 1
            while not self._jobs and not self._closed:
                if not self._changed.wait(IDLE_S) and not self._jobs:
                    break
            self._idle -= 1
            if self._jobs:
                return self._jobs.popleft()
            self._threads -= 1
            return None
