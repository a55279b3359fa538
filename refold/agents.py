"""From what a user says of agents to what a session records of them. Here their modules are imported."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from refold.actors.agents.loading import role
from refold.errors import WrongUsage
from refold.eventlog.settings import AgentSettings, Settings, with_model
from refold.usable import wrong_tools

if TYPE_CHECKING:
    from collections.abc import Iterator


def employ(
    settings: Settings, agent: str, agents: Mapping[str, AgentSettings], *, delegation_depth: int
) -> Settings:
    """Return the settings with the agent of the session, and with those that it may delegate to.

    One that cannot be had is recorded as missing: the start says so. Raises `WrongUsage`.
    """
    if delegation_depth < 0:
        raise WrongUsage(f"a delegation depth of {delegation_depth} was asked for; it must be at least 0")
    place = settings.place
    known = {name: _filled(name, each, settings) for name, each in agents.items()}
    own = known.get(agent)
    name = agent if own is None or own.agent is None else own.agent
    return replace(
        settings,
        agent=name,
        role=role(name, place),
        tools=None if own is None else own.tools,
        agents=known,
        delegation_depth=delegation_depth,
    )


def own_choices(agent: str, agents: Mapping[str, AgentSettings]) -> dict[str, Any]:
    """Return what the configuration says of the session's own agent: its model and its limits."""
    own = agents.get(agent)
    if own is None:
        return {}
    said = {"model": own.model, "iterations_max": own.iterations_max, "budget_usd": own.budget_usd}
    return {key: value for key, value in said.items() if value is not None}


def delegated_models(settings: Settings) -> "Iterator[Settings]":
    """Yield the settings under which the models of delegates are asked."""
    for agent in settings.agents.values():
        if agent.model is not None:
            yield with_model(settings, agent.model)


def _filled(name: str, agent: AgentSettings, settings: Settings) -> AgentSettings:
    found = role(agent.agent or name, settings.place)
    if found is not None and not found.missing:
        servers = (server.name for server in settings.mcp)
        for wrong in wrong_tools(agent.agent or name, found.tools, agent.tools or (), servers):
            raise WrongUsage(f"agents.{name}.tools {wrong}")
    return replace(agent, role=found)
