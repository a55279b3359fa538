"""One connection to a server of tools, in words of our own: the only file that knows the official client."""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO, Any

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client._transport import TransportStreams
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp.types import CONNECTION_CLOSED, CallToolResult, Implementation

from refold.actors.sandboxes.interpreter import interpreter
from refold.actors.servers.port import ServerFailed, ServerLost
from refold.eventlog.settings import MCPServer

logging.getLogger("mcp").addHandler(logging.NullHandler())  # Else its tracebacks end up on a user's screen.

_WARDEN = Path(__file__).with_name("warden.py")
_WIRE_TIMEOUT_S = 30.0
_FAREWELL_S = 1.0
_SAID_CHARACTERS_MAX = 500
_CLOSED = "Connection closed"
_STREAM_LOST = "reconnection attempts were exhausted"


class Connection:
    """A server that was started or reached; `over` once it is gone. Used from one event loop."""

    def __init__(self, server: MCPServer, environment: Mapping[str, str], *, directory: str) -> None:
        self._server, self._environment, self._directory = server, environment, directory
        self._leave = asyncio.Event()
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._said: IO[str] | None = None
        self._calls = 0
        self._unreachable = False

    @property
    def over(self) -> bool:
        return self._task is None or self._task.done() or self._leave.is_set()

    async def open(self) -> None:
        """Start or reach the server. Raises `ServerFailed`; nothing of it is left then."""
        self._task = asyncio.create_task(self._live())
        try:
            await asyncio.shield(self._ready)
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self) -> None:
        self._leave.set()
        if self._task is not None:
            if not self._ready.done():
                self._task.cancel()
            await asyncio.wait([self._task])

    async def tools(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what the server offers, page by page. Raises `ServerFailed`, `ServerLost`."""
        cursor: str | None = None
        while True:
            page = await self._ask((await self._ready).list_tools(cursor=cursor))
            for tool in page.tools:
                yield tool.model_dump(by_alias=True, mode="json", exclude_none=True)
            if not (cursor := page.next_cursor):
                return

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what the tool answers, as it stands on the wire. Raises `ServerFailed`, `ServerLost`."""
        try:
            answer: CallToolResult = await self._ask((await self._ready).call_tool(tool, arguments))
        except _Refused as refused:
            return {"content": [{"type": "text", "text": str(refused)}], "isError": True}
        return answer.model_dump(by_alias=True, mode="json", exclude_none=True)

    async def _live(self) -> None:
        """Hold the connection open, in one task from its beginning to its end, as the client demands."""
        try:
            async with AsyncExitStack() as stack:
                info = Implementation(name="refold", version="1")
                client = Client(_watched(self._transport(stack), self._leave), client_info=info)
                self._ready.set_result(await stack.enter_async_context(client))
                await self._leave.wait()
        except BaseException as error:  # noqa: BLE001 - whatever ends it, who waits is told
            self._fail(error)
        finally:
            self._leave.set()
            if self._said is not None:
                self._said.close()

    def _fail(self, error: BaseException) -> None:
        self._unreachable = any(isinstance(leaf, httpx2.ConnectError) for leaf in _leaves(error))
        if not self._ready.done():
            self._ready.set_exception(ServerFailed(self._why(error)))
            self._ready.exception()  # Marked as seen: who waited may have left.

    def _why(self, error: BaseException) -> str:
        said = ""
        if self._said is not None:
            self._said.seek(0)
            said = _last_words(self._said.read())
        leaf = next(iter(_leaves(error)))
        told = str(leaf) or type(leaf).__name__
        if self._unreachable:
            return f"{self._server.url} cannot be reached: {told}"
        return f"it did not start: {said or told}"

    def _transport(self, stack: AsyncExitStack) -> "_Transport":
        server = self._server
        if server.url is not None:
            headers = {name: self._value(variable) for name, variable in server.headers.items()}
            wire = httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(_WIRE_TIMEOUT_S, read=None))
            stack.push_async_exit(wire)
            return streamable_http_client(server.url, http_client=wire)
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - until the end
        parameters = StdioServerParameters(
            command=str(interpreter()),
            args=["-I", "-S", str(_WARDEN), server.command or "", *server.args],
            env={name: self._value(name) for name in server.env},
            cwd=self._directory if Path(self._directory).is_dir() else None,  # It may be another machine's.
            encoding_error_handler="replace",
        )
        return stdio_client(parameters, errlog=self._said)

    def _value(self, variable: str) -> str:
        value = self._environment.get(variable)
        if value is None:
            raise ServerFailed(f"the environment variable {variable} that it needs is not set")
        return value

    async def _ask[T](self, request: Coroutine[Any, Any, T]) -> T:
        """Have a request answered, or find out that the connection is gone."""
        task = self._task
        assert task is not None  # noqa: S101 - nobody asks before `open`
        asked = asyncio.ensure_future(request)
        self._calls += 1
        alone = self._calls == 1
        try:
            await asyncio.wait((asked, task), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise self._gone(alone=alone and self._calls == 1)  # noqa: TRY301 - it says what happened here
            return asked.result()
        except MCPError as error:
            raise self._meant(error) from None
        except (ServerFailed, ServerLost, asyncio.CancelledError):
            raise
        except Exception as error:
            raise ServerLost(f"its answer cannot be used: {error}") from error
        finally:
            self._calls -= 1
            if not asked.done():
                asked.cancel()  # The client tells the server that nobody waits.
                await asyncio.wait((asked,), timeout=_FAREWELL_S)
            elif not asked.cancelled():
                asked.exception()

    def _gone(self, *, alone: bool) -> ServerFailed | ServerLost:
        """Return what the end of the connection means for a request; what was not even sent was not done."""
        if self._unreachable and alone:
            return ServerFailed(f"{self._server.url} cannot be reached")
        return ServerLost("it went away")

    def _meant(self, error: MCPError) -> ServerFailed | ServerLost:
        """Return what an error means: the server's own word, or the end of the connection."""
        if error.code == CONNECTION_CLOSED and (error.message == _CLOSED or _STREAM_LOST in error.message):
            self._leave.set()
            return ServerLost("it went away")
        if self._server.url is not None and "session" in error.message.lower():
            self._leave.set()  # It was started anew, and knows ours no more.
            return SessionGone(error.message)
        return _Refused(error.message)


class SessionGone(ServerFailed):
    """The server does not know us any more; a new connection will do."""


class _Refused(ServerFailed):
    """The server answered with an error."""


type _Transport = AbstractAsyncContextManager[TransportStreams]


@asynccontextmanager
async def _watched(transport: _Transport, over: asyncio.Event) -> AsyncGenerator[TransportStreams]:
    """Pass on what a transport brings, and note its end: the client itself tells only who asks next."""
    async with transport as (read, write), anyio.create_task_group() as group:
        send, receive = anyio.create_memory_object_stream[SessionMessage | Exception](0)

        async def pass_on() -> None:
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async with send:
                    async for message in read:
                        await send.send(message)
            over.set()

        group.start_soon(pass_on)
        try:
            yield receive, write
        finally:
            group.cancel_scope.cancel()
            receive.close()
            send.close()


def _last_words(said: str) -> str:
    """Return the end of what a server said at its end, in whole lines; of a traceback, what it comes to."""
    lines = said.strip().splitlines()
    if any(line.startswith("Traceback (most recent call last)") for line in lines):
        lines = lines[-1:]
    while len(lines) > 1 and sum(map(len, lines)) > _SAID_CHARACTERS_MAX:
        del lines[0]
    return "\n".join(lines)[:_SAID_CHARACTERS_MAX]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            yield from _leaves(each)  # pyright: ignore[reportUnknownArgumentType]
    else:
        yield error
