"""Confirmation policies: which actions a person approves first.

- `never`: none.
- `always`: every one.
- `risky`: those whose risk reaches the threshold, and those that no analyzer has looked at. What an analyzer
  looked at and could not tell (`unknown`) is carried out.
- `unknown`: as `risky`, and `unknown` counts as risky.

The actions of an answer are carried out in their order. Those before the first one that needs an approval are
done, their observations recorded; there the agent waits, and nothing after it overtakes it. The approval
names that action and all that stand behind it in the answer: a person approves what will happen, not a part.
"""

from collections.abc import Mapping
from types import MappingProxyType

from refold.actors.runtime.state import ANSWERED_BY_MEMORY, OpenAction
from refold.actors.session.state import State
from refold.eventlog.risk import Risk, Threshold
from refold.eventlog.settings import Settings

_RANK: Mapping[Risk, int] = MappingProxyType({"unknown": 0, "low": 1, "medium": 2, "high": 3})


def reaches(risk: Risk, threshold: Threshold) -> bool:
    """Whether a risk is as high as the threshold; an unknown one reaches none."""
    return _RANK[risk] >= _RANK[threshold]


def needs_approval(settings: Settings, opened: OpenAction) -> bool:
    """Whether an action may not start before it is approved."""
    if opened.confirmed or opened.kind in ANSWERED_BY_MEMORY:
        return False
    match settings.confirm:
        case "never":
            return False
        case "always":
            return True
        case "risky":
            return opened.risk is None or reaches(opened.risk, settings.risk)
        case "unknown":
            return opened.risk is None or opened.risk == "unknown" or reaches(opened.risk, settings.risk)


def may_start(state: State, opened: OpenAction) -> bool:
    """Whether an open action may touch the world; a recorded step that is re-enacted was approved before."""
    settings = state.life.settings
    if settings is None:
        return False
    return state.agent.reenacting or not needs_approval(settings, opened)


def undecided(state: State) -> tuple[OpenAction, ...]:
    """Return the open actions that are neither approved nor started, in order."""
    return tuple(opened for opened in state.hands.open if not opened.confirmed and opened.incarnation is None)
