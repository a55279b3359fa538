"""The tool that shows a skill in full; offered only where there are skills, and answered from memory."""

from typing import Any

NAME = "load_skill"

DESCRIPTION = """Read one of the skills that you were told of, in full. Nothing is run and nothing changes.

Load a skill before you do what it is about; its name is as it stands in the list."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "description": "The name of the skill."}},
    "required": ["name"],
}

SCHEMA: dict[str, Any] = {
    "type": "function",
    "function": {"name": NAME, "description": DESCRIPTION, "parameters": PARAMETERS},
}
