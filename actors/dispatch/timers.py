"""All timers of a dispatcher on one thread: a heap, and a wait for its head."""

import heapq
import threading
from collections.abc import Callable

WAIT_MAX_S = 5.0
"""A clock that is set forward is noticed within this time."""


class Timers:
    """Call `fire(name, message)` at its time; a key that waits is not set twice."""

    def __init__(self, now_ns: Callable[[], int], fire: Callable[[str, object], None]) -> None:
        self._now_ns = now_ns
        self._fire = fire
        self._changed = threading.Condition()
        self._heap: list[tuple[int, int, str, str, object]] = []
        self._waiting: dict[str, int] = {}  # key → sequence; an entry of the heap without it was forgotten
        self._keys: dict[str, set[str]] = {}  # name → its keys
        self._sequence = 0
        self._closed = False
        self._thread: threading.Thread | None = None

    def at(self, key: str, when_ns: int, name: str, message: object) -> None:
        with self._changed:
            if self._closed or key in self._waiting:
                return
            self._sequence += 1
            self._waiting[key] = self._sequence
            self._keys.setdefault(name, set()).add(key)
            heapq.heappush(self._heap, (when_ns, self._sequence, key, name, message))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="timers", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forget(self, name: str) -> None:
        """Drop the timers of a name that is no more."""
        with self._changed:
            for key in self._keys.pop(name, ()):
                del self._waiting[key]

    def close(self) -> threading.Thread | None:
        """Fire nothing more; return the thread, which is about to end."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            return self._thread

    def _run(self) -> None:
        while (due := self._next()) is not None:
            self._fire(*due)

    def _next(self) -> tuple[str, object] | None:
        with self._changed:
            while not self._closed:
                left_ns = self._heap[0][0] - self._now_ns() if self._heap else None
                if left_ns is None or left_ns > 0:
                    self._changed.wait(None if left_ns is None else min(left_ns / 1e9, WAIT_MAX_S))
                    continue
                _, sequence, key, name, message = heapq.heappop(self._heap)
                if self._waiting.get(key) == sequence:
                    del self._waiting[key]
                    self._release(name, key)
                    return name, message
        return None

    def _release(self, name: str, key: str) -> None:
        self._keys[name].discard(key)
        if not self._keys[name]:
            del self._keys[name]
