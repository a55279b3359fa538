"""Laws of tools: what is offered, what may be called, what runs beside what."""

from typing import TYPE_CHECKING

from refold.eventlog.actions import McpCall
from refold.eventlog.events import ActionProposed, ActionStarted, ModelAsked, SystemMessageAdded, ToolsListed
from refold.eventlog.record import Record
from refold.testing.minutes import Minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refold.testing.laws import Kinds
    from refold.testing.steps import StepLaw, Steps


def servers_are_asked_once(minutes: Minutes, steps: object, record: Record) -> str | None:
    """B2: what a session is offered does not change under it."""
    del steps
    life = minutes.state.life
    match record.event:
        case ToolsListed() if life.servers is not None or life.greeted:
            return f"version {record.version} lists again what servers offer"
        case _:
            return None


def the_system_message_offers_what_was_listed(minutes: Minutes, steps: object, record: Record) -> str | None:
    """B2: tools are listed before the system message, which holds them all."""
    del steps
    life = minutes.state.life
    match record.event:
        case SystemMessageAdded(tools=tools) if life.settings is not None and life.settings.mcp:
            if life.servers is None:
                return f"version {record.version} comes before the servers were asked"
            names = [tool["function"]["name"] for tool in tools]
            if len(set(names)) < len(names) or not {tool.name for tool in life.servers} <= set(names):
                return f"version {record.version} offers {names}"
        case _:
            pass
    return None


def what_is_called_was_offered(minutes: Minutes, steps: object, record: Record) -> str | None:
    """B21: a call of what no server offers is refused, not proposed."""
    del steps
    life = minutes.state.life
    match record.event:
        case ActionProposed(action=McpCall(name=name, server=server, tool=tool)) if life.origin is None:
            offered = {(each.name, each.server, each.tool) for each in life.servers or ()}
            if (name, server, tool) not in offered:
                return f"version {record.version} calls {name}, which was not offered"
        case _:
            pass
    return None


def only_what_looks_runs_side_by_side(minutes: Minutes, steps: object, record: Record) -> str | None:
    """B17: actions are carried out in their order; those that change nothing may overlap, and no others."""
    del steps
    settings = minutes.state.life.settings
    match record.event:
        case ActionStarted(cause=int(cause)) if settings is not None:
            before = [version for version in minutes.open if version < cause]
            if unstarted := [version for version in before if version not in minutes.started]:
                return f"version {cause} is started at {record.version} before {unstarted}"
            if before and not minutes.looking.issuperset((*before, cause)):
                return f"version {cause} is started at {record.version} beside {before}"
            if len(before) >= settings.parallel_max:
                return f"version {cause} is started at {record.version}, and {len(before)} are under way"
        case _:
            pass
    return None


def results_are_shown_in_the_order_of_their_calls(
    minutes: Minutes, steps: "Steps", record: Record
) -> str | None:
    """B40: in whatever order observations came in."""
    del minutes
    match record.event:
        case ModelAsked(model=model) if steps.conversation is not None:
            called: list[str] = []
            for message in steps.conversation.request(model).messages:
                if message["role"] == "tool":
                    if not called or called.pop(0) != message["tool_call_id"]:
                        return f"version {record.version} shows {message['tool_call_id']} out of its place"
                else:
                    called = [call["id"] for call in message.get("tool_calls", ())]
        case _:
            pass
    return None


TOOL_LAWS: "Mapping[StepLaw, Kinds]" = {
    servers_are_asked_once: (ToolsListed,),
    the_system_message_offers_what_was_listed: (SystemMessageAdded,),
    what_is_called_was_offered: (ActionProposed,),
    only_what_looks_runs_side_by_side: (ActionStarted,),
    results_are_shown_in_the_order_of_their_calls: (ModelAsked,),
}
"""Each law with the kinds of facts that it looks at."""
