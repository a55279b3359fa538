"""How often an actor may fail before that is a fault of ours: counted the same way at every level."""

RESTARTS_MAX = 3
RESTARTS_WITHIN_NS = 10 * 10**9


class Failures:
    """Counts failures by name, of the last `RESTARTS_WITHIN_NS`."""

    def __init__(self) -> None:
        self._at: dict[str, list[int]] = {}

    def count(self, name: str, now_ns: int) -> int:
        """Count one more, and return how many there were lately."""
        before = self._at.get(name, ())
        self._at[name] = recent = [at for at in (*before, now_ns) if now_ns - at < RESTARTS_WITHIN_NS]
        return len(recent)

    def forget(self, name: str) -> None:
        """Count afresh from now on."""
        self._at.pop(name, None)
