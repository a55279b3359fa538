"""Real servers of tools, through the official client: one loop, on a thread of its own, for a session's."""

import asyncio
import contextlib
import importlib
import importlib.util
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from refold.actors.servers.content import storable, text_of
from refold.actors.servers.port import FoundTool, ServerFailed, ServerLost
from refold.eventlog.actions import McpCall
from refold.eventlog.observations import McpResult, Observation
from refold.eventlog.settings import MCPServer

if TYPE_CHECKING:
    from refold.actors.servers.connection import Connection

DESCRIPTION_CHARACTERS_MAX = 4_000
TOOLS_MAX = 200
"""Of one server; each is told to the model at every step."""
CLOSE_S = 10.0


def is_installed() -> bool:
    """Whether the client is there: it comes with an extra of this package."""
    return importlib.util.find_spec("mcp") is not None


class McpServers:
    """Starts each server when it is first needed, and again when it is gone. Safe to use from any thread."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment, self._directory = environment, "."
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._connections: dict[str, Connection] = {}
        self._starting: dict[str, asyncio.Lock] = {}

    def connect(self, directory: str) -> None:
        self._directory = directory

    def find_tools(self, server: MCPServer) -> Future[tuple[FoundTool, ...]]:
        return self._run(self._find(server))

    def call(self, server: MCPServer, key: str, action: McpCall) -> Future[Observation]:
        del key  # The protocol has no field that would keep a server from doing a thing twice.
        return self._run(self._call(server, action))

    def close(self) -> None:
        with self._lock:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        with contextlib.suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._end_all(), loop).result(CLOSE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLOSE_S)

    def _run[T](self, work: Coroutine[Any, Any, T]) -> Future[T]:
        importlib.import_module(
            "refold.actors.servers.connection"
        )  # It takes a second: not on the loop's time.
        with self._lock:
            if self._loop is None:
                loop = self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(loop,), name="mcp", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _find(self, server: MCPServer) -> tuple[FoundTool, ...]:
        found: list[FoundTool] = []
        try:
            async with asyncio.timeout(server.start_timeout_s):
                connection = await self._connected(server)
                async for tool in connection.tools():
                    found.append(_found(tool))
                    if len(found) == TOOLS_MAX:
                        break
        except TimeoutError:
            raise ServerFailed(f"it did not answer within {server.start_timeout_s:g} s") from None
        except ServerLost as lost:
            raise ServerFailed(str(lost)) from None
        return tuple(found)

    async def _call(self, server: MCPServer, action: McpCall) -> Observation:
        from refold.actors.servers.connection import SessionGone  # noqa: PLC0415 - loads the client

        try:
            answer = await self._answer(server, action)
        except SessionGone:
            answer = await self._answer(server, action)  # It was refused unread: this is the first time.
        return McpResult(
            content=text_of(answer.get("content", ()), answer.get("structuredContent")),
            server=action.server,
            tool=action.tool,
            is_error=bool(answer.get("isError", False)),
        )

    async def _answer(self, server: MCPServer, action: McpCall) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(server.start_timeout_s):
                connection = await self._connected(server)
        except TimeoutError:
            raise ServerFailed(f"it did not answer within {server.start_timeout_s:g} s") from None
        try:
            async with asyncio.timeout(server.timeout_s):
                return await connection.call(action.tool, action.arguments)
        except TimeoutError:
            raise ServerLost(
                f"it did not answer within {server.timeout_s:g} s, and was told to stop"
            ) from None

    async def _connected(self, server: MCPServer) -> "Connection":
        from refold.actors.servers.connection import Connection  # noqa: PLC0415 - loads the client

        async with self._starting.setdefault(server.name, asyncio.Lock()):
            connection = self._connections.get(server.name)
            if connection is None or connection.over:
                connection = Connection(server, self._environment, directory=self._directory)
                self._connections[server.name] = connection
                await connection.open()
            return connection

    async def _end_all(self) -> None:
        connections = tuple(self._connections.values())
        self._connections.clear()
        self._starting.clear()
        await asyncio.gather(*(connection.close() for connection in connections))


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _found(tool: Mapping[str, Any]) -> FoundTool:
    """Return the tool in our own shape: a schema that every provider takes, a text of bearable length."""
    schema = {name: value for name, value in tool.get("inputSchema", {}).items() if name != "$schema"}
    description = storable(
        str(tool.get("description") or tool.get("title") or ""), DESCRIPTION_CHARACTERS_MAX
    )
    annotations: Mapping[str, Any] = tool.get("annotations") or {}
    return FoundTool(
        name=str(tool["name"]),
        description=description,
        parameters={"type": "object", "properties": {}, **schema},
        read_only=annotations.get("readOnlyHint") is True,
    )
