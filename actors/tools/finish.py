"""The tool that ends the work."""

from typing import Any

NAME = "finish"

DESCRIPTION = """Say that the task is done, or that you cannot get any further.

The message is what the user reads: what you did, what you checked and how it came out, and what is left open.
Do not call it while a check that you could run is still missing."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"message": {"type": "string", "description": "Your report to the user."}},
    "required": ["message"],
}
