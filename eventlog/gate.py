"""A gate that many pass together, and one alone when it must: a map may only grow while nobody reads."""

from collections.abc import Generator
from contextlib import contextmanager
from threading import Condition


class Gate:
    """Whoever waits to be alone goes before those who come later."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._alone = False
        self._waiting = 0

    def enter(self) -> None:
        with self._changed:
            while self._alone or self._waiting:
                self._changed.wait()
            self._inside += 1

    def leave(self) -> None:
        with self._changed:
            self._inside -= 1
            if not self._inside and self._waiting:
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Generator[None]:
        """Hold everyone else off; never from within."""
        with self._changed:
            self._waiting += 1
            try:
                while self._alone or self._inside:
                    self._changed.wait()
                self._alone = True
            finally:
                self._waiting -= 1
        try:
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
