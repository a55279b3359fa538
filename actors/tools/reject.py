"""The tool that declines the work."""

from typing import Any

NAME = "reject"

DESCRIPTION = """Say that you will not do the task: it is harmful, or it is not what you are here for.

A task that you tried and could not do is not rejected: report it with `finish`. The message is what the user
reads: why you decline, and what you would do instead."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"message": {"type": "string", "description": "Why you decline."}},
    "required": ["message"],
}
