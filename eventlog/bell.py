"""A bell that rings when something was committed: those who wait for the log wake up at once."""

from threading import Condition


class Bell:
    """Count the rings, so that one between looking and waiting is not missed."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._rings = 0

    @property
    def rings(self) -> int:
        return self._rings

    def ring(self) -> None:
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def wait(self, heard: int, timeout_s: float | None) -> bool:
        """Wait until it has rung since `heard` rings; return whether it has."""
        with self._changed:
            return self._changed.wait_for(lambda: self._rings != heard, timeout_s)
