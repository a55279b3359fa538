"""Servers of tools in memory: they answer at once, by what you have them answer."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future

from refold.actors.servers.port import FoundTool, ServerFailed, ServerLost
from refold.eventlog.actions import Action, McpCall
from refold.eventlog.observations import McpResult, Observation
from refold.eventlog.settings import MCPServer

type CallAnswer = Callable[[str, Action], Observation]


def echoing(key: str, action: Action) -> Observation:
    """Answer every call with its arguments."""
    del key
    match action:
        case McpCall(server=server, tool=tool, arguments=arguments):
            return McpResult(content=f"{tool}: {arguments}", server=server, tool=tool)
        case _:
            raise TypeError(f"not a call of a server: {action}")


class FakeServers:
    """`tools` says what a server offers, None for one that does not answer; `effects` counts calls by key.

    `before` is asked with `find` or `call` before anything happens, and may say what goes wrong:
    `unavailable`, or for a call `lost_before` or `lost_after` it took effect.
    """

    def __init__(
        self,
        tools: Callable[[str], tuple[FoundTool, ...] | None] = lambda _: None,
        answer: CallAnswer = echoing,
        before: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self.tools = tools
        self.effects: Counter[str] = Counter()
        self._answer, self._before = answer, before

    def connect(self, directory: str) -> None: ...

    def find_tools(self, server: MCPServer) -> Future[tuple[FoundTool, ...]]:
        future = Future[tuple[FoundTool, ...]]()
        found = self.tools(server.name)
        if found is not None and self._before("find") is None:
            future.set_result(found)
        else:
            future.set_exception(ServerFailed("it does not answer"))
        return future

    def call(self, server: MCPServer, key: str, action: McpCall) -> Future[Observation]:
        future = Future[Observation]()
        trouble = self._before("call")
        if trouble == "unavailable" or self.tools(server.name) is None:
            future.set_exception(ServerFailed("it does not answer"))
            return future
        answer: Observation | None = None
        if trouble != "lost_before":
            self.effects[key] += 1
            answer = self._answer(key, action)
        if trouble is None and answer is not None:
            future.set_result(answer)
        else:
            future.set_exception(ServerLost("it went away"))
        return future

    def close(self) -> None: ...
