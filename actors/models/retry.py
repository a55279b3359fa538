"""When to try again: which faults pass by themselves, and how long to wait for them."""

from refold.eventlog.events import FaultClass

PASSING: frozenset[FaultClass] = frozenset(
    {"rate_limit", "timeout", "connection", "overloaded", "server", "cut_off"}
)
"""Faults that may be gone at the next try; all others stay until somebody acts."""

_FIRST_S = 1.0
_LONGEST_S = 60.0
_DOUBLINGS_MAX = 16


def is_retried(fault: FaultClass) -> bool:
    return fault in PASSING


def delay_s(attempt: int, retry_after_s: float | None, draw: float) -> float:
    """Return the seconds to wait after the failed `attempt` (1-based); `draw` is random, from 0 to 1.

    What the provider asked for is kept to, and up to a tenth longer, so that a crowd told the same time
    does not come back as one. Otherwise the wait doubles from 1 s to 60 s, its upper half drawn.
    """
    if retry_after_s is not None and retry_after_s > 0:
        return retry_after_s * (1 + draw / 10)
    longest = min(_LONGEST_S, _FIRST_S * (1 << min(attempt - 1, _DOUBLINGS_MAX)))
    return longest * (1 + draw) / 2
