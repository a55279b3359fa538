"""The table of agent states once more, written down for itself: who changes the rule has to say so twice.

The product's own table would agree with whatever the product does.
"""

from collections.abc import Mapping
from types import MappingProxyType

from refold.eventlog.events import AgentState

_ONWARD: Mapping[AgentState, str] = MappingProxyType(
    {
        "loading": "running awaiting_user_input paused stopped error",
        "running": "awaiting_user_input awaiting_user_confirmation paused rate_limited stopped finished "
        "rejected error",
        "awaiting_user_input": "running stopped error",
        "awaiting_user_confirmation": "running awaiting_user_input paused stopped error",
        "paused": "loading running rate_limited stopped error",
        "rate_limited": "running paused stopped error",
        "stopped": "loading running error",
        "finished": "running error",
        "rejected": "running error",
        "error": "loading running stopped",
    }
)


def possible(before: AgentState, after: AgentState) -> bool:
    """Say whether an agent may go from one state straight to the other."""
    return after in _ONWARD[before].split()
