"""The tool that looks at files and changes them."""

from typing import Any

NAME = "str_replace_editor"

DESCRIPTION = """Look at, create and edit text files.

* `view` shows a file with line numbers, or a folder's entries two levels deep; `view_range` picks lines.
* `create` writes a new file with `file_text`.
* `str_replace` replaces `old_str` by `new_str`. `old_str` must stand in the file exactly once, character for
  character, whitespace included: give enough lines around the change to make it unique. Without `new_str`
  it is deleted.
* `insert` puts `new_str` after line `insert_line`; 0 is before the first line.
* `undo_edit` takes back the last change that this tool made to the file.

Relative paths are taken from the workspace. View a file before you edit it, so that `old_str` is what stands
there now."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "command": {
            "type": "string",
            "enum": ["view", "create", "str_replace", "insert", "undo_edit"],
            "description": "What to do.",
        },
        "path": {"type": "string", "description": "The file, or for `view` a file or folder."},
        "file_text": {"type": "string", "description": "For `create`: the whole content."},
        "old_str": {"type": "string", "description": "For `str_replace`: the text to replace."},
        "new_str": {
            "type": "string",
            "description": "For `str_replace`: what to put in its place. For `insert`: the text to insert.",
        },
        "insert_line": {"type": "integer", "description": "For `insert`: the line to insert after."},
        "view_range": {
            "type": "array",
            "items": {"type": "integer"},
            "description": "For `view` of a file: first and last line, counted from 1; -1 is the end.",
        },
    },
    "required": ["command", "path"],
}
