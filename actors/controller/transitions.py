"""Which agent state may follow which, as data: what is not in the table is refused."""

from types import MappingProxyType

from refold.eventlog.events import AgentState

TRANSITIONS: MappingProxyType[AgentState, frozenset[AgentState]] = MappingProxyType(
    {
        "loading": frozenset({"running", "awaiting_user_input", "paused", "stopped", "error"}),
        "running": frozenset(
            {
                "awaiting_user_input",
                "awaiting_user_confirmation",
                "paused",
                "rate_limited",
                "stopped",
                "finished",
                "rejected",
                "error",
            }
        ),
        "awaiting_user_input": frozenset({"running", "stopped", "error"}),
        "awaiting_user_confirmation": frozenset(
            {"running", "awaiting_user_input", "paused", "stopped", "error"}
        ),
        "paused": frozenset({"loading", "running", "rate_limited", "stopped", "error"}),
        "rate_limited": frozenset({"running", "paused", "stopped", "error"}),
        "stopped": frozenset({"loading", "running", "error"}),
        "finished": frozenset({"running", "error"}),
        "rejected": frozenset({"running", "error"}),
        "error": frozenset({"loading", "running", "stopped"}),
    }
)

RESTING: frozenset[AgentState] = frozenset(
    {
        "awaiting_user_input",
        "awaiting_user_confirmation",
        "paused",
        "stopped",
        "finished",
        "rejected",
        "error",
    }
)
"""States in which nothing happens until a person acts."""

ENDED: frozenset[AgentState] = frozenset({"stopped", "finished", "rejected", "error"})


def allowed(before: AgentState, after: AgentState) -> bool:
    return after in TRANSITIONS[before]
