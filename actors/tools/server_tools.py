"""The tools of servers: how a model is told of them, and what its call of one means."""

import re
from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any

from msgspec.structs import replace

from refold.actors.tools.toolbox import Proposal, Refusal
from refold.eventlog.actions import Action, McpCall
from refold.eventlog.tools import ServerTool

SERVERS = "mcp"
"""Among the names of an agent's tools: all that the servers of its session offer."""

NAME_CHARACTERS_MAX = 64
_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_MARK = 6


def offered_name(server: str, tool: str, taken: Collection[str]) -> str:
    """Return `server_tool`, in characters and at a length that providers allow; marked where it is taken.

    The mark comes from the two names alone, so that the same tool has the same name in every session.
    """
    plain = _UNSAFE.sub("_", f"{server}_{tool}")
    if len(plain) <= NAME_CHARACTERS_MAX and plain not in taken:
        return plain
    for salt in range(len(taken) + 1):
        mark = sha256(f"{server}\0{tool}\0{salt}".encode("utf-8", "surrogatepass")).hexdigest()[:_MARK]
        name = f"{plain[: NAME_CHARACTERS_MAX - _MARK - 1]}_{mark}"
        if name not in taken:
            return name
    raise AssertionError(f"no name is left for {server} {tool}")


def can_have(own: Collection[str], tool: str, servers: Collection[str]) -> bool:
    """Whether an agent with `own` tools can have one of this name, of its own or of one of these `servers`.

    What the servers offer is known only when they have been asked, so any tool of theirs will do.
    """
    theirs = tuple(_UNSAFE.sub("_", f"{server}_") for server in servers)
    return tool in own or (SERVERS in own and tool.startswith(theirs))


def schema_of(tool: ServerTool) -> dict[str, Any]:
    """Return the tool as a model is shown it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": function}


def resolved(action: Action, servers: tuple[ServerTool, ...] | None) -> Action | None:
    """Return an action with the server and tool that its name means; None if there is none of that name."""
    if not isinstance(action, McpCall):
        return action
    tool = next((tool for tool in servers or () if tool.name == action.name), None)
    if tool is None:
        return None
    return replace(action, server=tool.server, tool=tool.tool, read_only=tool.read_only)


def meant(
    read: Sequence[Proposal | Refusal], servers: tuple[ServerTool, ...] | None
) -> tuple[Proposal | Refusal, ...]:
    """Return an answer's wishes with the servers that they mean: whoever read it knows names only."""
    return tuple(_meant(wanted, servers) for wanted in read)


def _meant(wanted: Proposal | Refusal, servers: tuple[ServerTool, ...] | None) -> Proposal | Refusal:
    match wanted:
        case Proposal(action=McpCall(name=name) as action, tool_call_id=id_):
            call = resolved(action, servers)
            if call is None:
                return Refusal(reason=f"No server offers {name!r} here.", tool_call_id=id_)
            return Proposal(action=call, tool_call_id=id_)
        case Proposal() | Refusal():
            return wanted
