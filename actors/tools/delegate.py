"""The tool that has another agent do a part of the work."""

from collections.abc import Mapping
from typing import Any

from refold.eventlog.settings import AgentSettings

NAME = "delegate"

_DESCRIPTION = """Have another agent do a part of the task, and get its report.

It works in the same workspace with a conversation of its own: it knows nothing of yours, so say in `task` all
that it needs: what to do, where, and what to report. You wait until it is done; what it spends is taken from
what you have left. Files that it changes are changed for you too.

The agents are:
{agents}"""


def schema(agents: Mapping[str, AgentSettings]) -> dict[str, Any]:
    """Return the tool as it is offered where these agents may be delegated to."""
    names = sorted(agents)
    lines = "\n".join(f"* {name}: {agents[name].description or 'no description'}" for name in names)
    parameters: dict[str, Any] = {
        "type": "object",
        "properties": {
            "agent": {"type": "string", "enum": names, "description": "Which agent."},
            "task": {"type": "string", "description": "Everything that it needs to know."},
        },
        "required": ["agent", "task"],
    }
    return {
        "type": "function",
        "function": {
            "name": NAME,
            "description": _DESCRIPTION.format(agents=lines),
            "parameters": parameters,
        },
    }
