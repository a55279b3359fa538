"""A process that drives a session until a call is under way, says so, and waits to be killed.

Argument: home, model, and the server's command, as a JSON list.
"""

import json
import sys

import refold
from refold.eventlog.events import ActionStarted
from refold.eventlog.settings import MCPServer


def main() -> None:
    home, model, program, *arguments = json.loads(sys.argv[1])
    server = MCPServer(name="all", command=program, args=tuple(arguments))
    with refold.open(home) as system:
        session = system.start(
            "call it", session="s", model=model, sandbox="local", mcp=(server,), parallel_max=1
        )
        for record in session.watch():
            if isinstance(record.event, ActionStarted):
                sys.stdout.write("started\n")
                sys.stdout.flush()
        session.wait()


main()
