"""The tool that does nothing but put a thought on record."""

from typing import Any

NAME = "think"

DESCRIPTION = """Write down a thought. Nothing is run and nothing changes.

Use it where a pause pays: to weigh several causes of a bug, to plan a change that touches many places, to
work out what a surprising result means."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"thought": {"type": "string", "description": "The thought."}},
    "required": ["thought"],
}
