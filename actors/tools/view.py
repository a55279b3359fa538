"""The tool that looks at files and changes none."""

from typing import Any

NAME = "view"

DESCRIPTION = """Look at a text file with line numbers, or at a folder's entries two levels deep.

Relative paths are taken from the workspace. Nothing is changed."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "The file or folder."},
        "view_range": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "For a file: first and last line, counted from 1; -1 is the end.",
        },
    },
    "required": ["path"],
}
