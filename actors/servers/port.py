"""Servers of tools as a runtime sees them: asked what they offer, and to do it; each call is made once."""

from concurrent.futures import Future
from typing import Any, Protocol

from msgspec import Struct

from refold.eventlog.actions import McpCall
from refold.eventlog.observations import Observation
from refold.eventlog.settings import MCPServer


class FoundTool(Struct, frozen=True, kw_only=True):
    """A tool as its server describes it."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = {}
    read_only: bool = False


class ServerFailed(Exception):
    """The server could not be asked; nothing that it was to do has begun."""


class ServerLost(Exception):
    """The server was asked and gave no answer: nobody can tell what it did."""


class ToolServers(Protocol):
    """One session's servers. But for `close` no call blocks; futures may be waited for on any thread."""

    def connect(self, directory: str) -> None:
        """Let servers that are started from now on work in `directory`."""
        ...

    def find_tools(self, server: MCPServer) -> Future[tuple[FoundTool, ...]]:
        """Ask what `server` offers, starting it if need be; fails with `ServerFailed`."""
        ...

    def call(self, server: MCPServer, key: str, action: McpCall) -> Future[Observation]:
        """Have `server` carry out the action known by `key`; fails with `ServerFailed` or `ServerLost`.

        Cancelling the future tells the server that nobody waits any more.
        """
        ...

    def close(self) -> None:
        """End every server that was started. May block, for a bounded time; a later call starts them anew."""
        ...
