"""The tool that runs shell commands."""

from typing import Any

NAME = "execute_bash"

DESCRIPTION = """Run a bash command in the session's terminal and return what it printed and its exit code.

* The terminal is one persistent shell: its working directory, variables and background jobs stay between
  calls. It starts in the workspace. Chain commands with && or ; and keep each call to one purpose.
* Output is returned when the command ends. If it prints nothing new for a while, or `timeout` passes, control
  comes back with exit code -1 while the command goes on running.
* After exit code -1, call again with `is_input` true: an empty `command` waits for more output; any other
  text is typed into the running command; C-c, C-d and C-z send those keys. Another command cannot start
  until the running one has ended. If nothing else helps, `restart` gives you a fresh shell.
* Start servers and other endless programs in the background with their output in a file, for example
  `python3 app.py > server.log 2>&1 &`, then look at the file.
* Prefer commands that need no answers (`-y`, `--no-pager`) and limit long output with head, tail or grep."""

PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "command": {
            "type": "string",
            "description": "The command to run. With `is_input`: text or a key for the running command, "
            "or empty to wait for more of its output.",
        },
        "is_input": {
            "type": "boolean",
            "description": "True if `command` is meant for the command that is running. Default false.",
        },
        "timeout": {
            "type": "number",
            "description": "Seconds after which control comes back at the latest. Set it for commands "
            "that are known to take long.",
        },
        "restart": {
            "type": "boolean",
            "description": "True to end the shell and what runs in it, and start afresh in a new one, before "
            "`command` (which may be empty). Default false.",
        },
    },
    "required": ["command"],
}
