"""Which agent state may follow which, and what brings it about, as data: what is not in the table is refused.

`make documents` draws docs/states.md from it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from refold.eventlog.events import AgentState

TRANSITIONS: Mapping[AgentState, Mapping[AgentState, str]] = MappingProxyType(
    {
        "loading": {
            "running": "the start is through",
            "awaiting_user_input": "the start is through, and there is no task",
            "paused": "`pause`",
            "stopped": "`stop`",
            "error": "a step of the start failed",
        },
        "running": {
            "awaiting_user_input": "plain text to the user, or nothing is left to react to",
            "awaiting_user_confirmation": "the next action needs an approval",
            "paused": "`pause`",
            "rate_limited": "the model failed with a fault that passes",
            "stopped": "`stop`",
            "finished": "the agent calls `finish`",
            "rejected": "the agent calls `reject`",
            "error": "a limit, a circle, a fault that does not pass, or a fault of our own",
        },
        "awaiting_user_input": {
            "running": "a message",
            "stopped": "`stop`",
            "error": "a fault of our own",
        },
        "awaiting_user_confirmation": {
            "running": "`confirm`, `reject --try-again`, or a message instead",
            "awaiting_user_input": "`reject`",
            "paused": "`pause`",
            "stopped": "`stop`",
            "error": "a fault of our own",
        },
        "paused": {
            "loading": "`resume` of a start that was not through",
            "running": "`resume`",
            "rate_limited": "`resume` before the next try is due",
            "stopped": "`stop`",
            "error": "the model failed for good meanwhile, the runner is gone, or a fault of our own",
        },
        "rate_limited": {
            "running": "the next try is due",
            "paused": "`pause`",
            "stopped": "`stop`",
            "error": "a fault of our own",
        },
        "stopped": {
            "loading": "a message or `continue` after a start that was not through",
            "running": "a message or `continue`",
            "error": "a fault of our own",
        },
        "finished": {"running": "a message", "error": "a fault of our own"},
        "rejected": {"running": "a message", "error": "a fault of our own"},
        "error": {
            "loading": "a message or `continue` after a start that was not through",
            "running": "a message or `continue`",
            "stopped": "`stop`",
        },
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
