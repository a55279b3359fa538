"""How often a follower may fail before that is a fault of ours."""

RESTARTS_MAX = 3
RESTARTS_WITHIN_NS = 10 * 10**9


class Restarts:
    """Counts failures by name; who failed too often is counted afresh from then on."""

    def __init__(self) -> None:
        self._failures: dict[str, list[int]] = {}

    def allow(self, name: str, now_ns: int) -> bool:
        """Count one more failure and say whether a restart may follow it."""
        before = self._failures.get(name, ())
        recent = [at for at in (*before, now_ns) if now_ns - at < RESTARTS_WITHIN_NS]
        allowed = len(recent) <= RESTARTS_MAX
        self._failures[name] = recent if allowed else []
        return allowed
