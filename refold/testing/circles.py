"""What going in circles is (B29), said for itself: over what was done since a person last spoke."""

from collections.abc import Sequence

from refold.eventlog.actions import Action, Run
from refold.eventlog.observations import Failure, Observation

type Pair = tuple[Action, Observation]

EQUAL, FAILED, ALTERNATING = 4, 3, 6


def waits(action: Action) -> bool:
    """Whether an action only waits for a command that runs, or types into it: that is no circle."""
    return isinstance(action, Run) and not action.restart and (action.is_input or not action.command.strip())


def circle(pairs: Sequence[Pair]) -> str | None:
    """Return which pattern the last of these actions and answers make, or None."""
    if len(pairs) >= EQUAL and all(pair == pairs[-1] for pair in pairs[-EQUAL:]):
        return "equal"
    failed = pairs[-FAILED:]
    if len(failed) == FAILED and all(
        action == failed[0][0] and isinstance(found, Failure) for action, found in failed
    ):
        return "failed"
    ring = pairs[-ALTERNATING:]
    if len(ring) == ALTERNATING and all(pair == ring[place % 2] for place, pair in enumerate(ring)):
        return "alternating"
    return None
