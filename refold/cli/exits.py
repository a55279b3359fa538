"""What a session's state means as a process's exit code."""

from refold.eventlog.events import AgentState


def exit_code(state: AgentState) -> int:
    """Return 0 for done, 1 for failed, 3 for waiting for a person."""
    match state:
        case "finished" | "stopped":
            return 0
        case "error" | "rejected":
            return 1
        case "awaiting_user_input" | "awaiting_user_confirmation" | "paused":
            return 3
        case "loading" | "running" | "rate_limited":
            return 3  # Closed on its way: somebody has to resume it.
