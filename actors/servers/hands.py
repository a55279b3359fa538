"""Calls of servers' tools, each made at most once: what a driver began that is gone is never repeated."""

import threading
from concurrent.futures import CancelledError, Future

from msgspec import Struct

from refold.actors.runtime.port import Listing, driver_incarnation
from refold.actors.servers.port import FoundTool, ServerFailed, ServerLost, ToolServers
from refold.actors.tools import delegate
from refold.actors.tools.server_tools import offered_name
from refold.actors.tools.toolbox import SCHEMAS
from refold.eventlog.actions import McpCall
from refold.eventlog.events import ToolsListed
from refold.eventlog.observations import Failure, Observation, OutcomeUnknown
from refold.eventlog.settings import MCPServer, Settings
from refold.eventlog.tools import ServerTool

LOOK = "It may have taken effect in full, in part or not at all, and it will not be made again."
NEVER_BEGUN = Failure(content="ERROR:\nThe call was interrupted before it began; it was not made.")


class _Call(Struct):
    """A call that was begun here: `asked` is its server's answer to come, `answer` what is told of it."""

    digest: str
    answer: Future[Observation]
    asked: Future[Observation] | None = None


class ServerHands:
    """One session's calls. They live in this process: who takes over from a dead one knows none of them.

    An action's `started_in` names the driver that recorded its start. Only that one may begin it; for any
    other the outcome is unknown. Safe to use from several threads.
    """

    def __init__(self, servers: ToolServers) -> None:
        self._servers = servers
        self._lock = threading.Lock()
        self._calls: dict[str, _Call] = {}
        self._dropped: set[str] = set()
        self._recorded: set[str] = set()
        """Calls whose answer is in the log: asked for late, they are as good as unknown."""
        self._epoch = 0
        self._named: dict[str, MCPServer] = {}

    def connect(self, settings: Settings, *, epoch: int) -> None:
        """Take over for this epoch; no server is started before it is needed."""
        with self._lock:
            self._epoch = epoch
            self._servers.connect(settings.workspace)
            self._named = {server.name: server for server in settings.mcp}

    def find_tools(self, settings: Settings) -> Listing:
        """Ask all servers side by side what they offer; never raises."""
        asked = [(server, self._servers.find_tools(server)) for server in settings.mcp]
        tools: list[ServerTool] = []
        warnings: list[str] = []
        for server, future in asked:
            try:
                found = future.result()
            except ServerFailed as failed:
                warnings.append(f"MCP server {server.name!r} offers no tools: {failed}")
                continue
            except CancelledError:
                warnings.append(f"MCP server {server.name!r} offers no tools: the session was let go")
                continue
            tools += _offered(server, found, taken=[*SCHEMAS, delegate.NAME, *(tool.name for tool in tools)])
            missing = sorted(set(server.tools or ()) - {tool.name for tool in found})
            if missing:
                warnings.append(f"MCP server {server.name!r} has no {', '.join(map(repr, missing))}")
        return Listing(ToolsListed(tools=tuple(tools)), tuple(warnings))

    def execute(self, key: str, digest: str, action: McpCall, *, started_in: str) -> Observation:
        """Make the call, or wait for the one under way, or tell what came of it."""
        with self._lock:
            known = self._calls.get(key)
            if key in self._recorded:
                return _unknown("its answer was recorded before.")
            if known is None and key in self._dropped:
                return NEVER_BEGUN
            if known is None and started_in != driver_incarnation(self._epoch):
                return _unknown("the driver was gone while this call was under way.")
            call = self._calls.setdefault(key, _Call(digest, Future()))
        if known is not None:
            return (
                known.answer.result() if known.digest == digest else _unknown("its key names another call.")
            )
        answer: Observation = _unknown("it was cut off.")
        try:
            answer = self._carry_out(call, key, action)
        finally:
            call.answer.set_result(answer)
        return answer

    def knows(self, key: str) -> bool:
        return key in self._calls

    def acknowledge(self, key: str) -> None:
        """Forget the answer: it is in the log, so nobody will ask again."""
        with self._lock:
            self._calls.pop(key, None)
            self._dropped.discard(key)
            self._recorded.add(key)

    def interrupt(self, key: str) -> None:
        """Nobody waits for this call any more; one that has not begun never will."""
        with self._lock:
            call = self._calls.get(key)
            if call is None:
                self._dropped.add(key)
        if call is not None and call.asked is not None:
            call.asked.cancel()

    def close(self) -> None:
        """End the servers; calls under way end as unknown."""
        self._servers.close()

    def _carry_out(self, call: _Call, key: str, action: McpCall) -> Observation:
        server = self._named.get(action.server)
        if server is None:
            return Failure(
                content=f"ERROR:\nTool not available: there is no MCP server {action.server!r} here."
            )
        try:
            with self._lock:
                if key in self._dropped:
                    return NEVER_BEGUN
                call.asked = asked = self._servers.call(server, key, action)
            return asked.result()
        except ServerFailed as failed:
            return Failure(content=f"ERROR:\nMCP server {server.name!r}: {failed}. The call was not made.")
        except ServerLost as lost:
            return _unknown(f"MCP server {server.name!r}: {lost}.")
        except CancelledError:
            return _unknown("the call was interrupted.")


def _offered(server: MCPServer, found: tuple[FoundTool, ...], *, taken: list[str]) -> list[ServerTool]:
    offered: list[ServerTool] = []
    for tool in found:
        if server.tools is not None and tool.name not in server.tools:
            continue
        name = offered_name(server.name, tool.name, taken)
        taken.append(name)
        offered.append(
            ServerTool(
                name=name,
                server=server.name,
                tool=tool.name,
                description=tool.description,
                parameters=tool.parameters,
                read_only=tool.read_only,
            )
        )
    return offered


def _unknown(why: str) -> OutcomeUnknown:
    return OutcomeUnknown(content=f"Outcome unknown: {why} {LOOK} Look before you repeat it.")
