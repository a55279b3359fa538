"""From what a user says of agents to what a session records of them. Here their modules are imported."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from refold.actors.agents.loading import is_own, role
from refold.actors.agents.registry import missing
from refold.errors import WrongUsage
from refold.eventlog.settings import AgentSettings, Settings, with_model

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
    known = {name: _filled(name, each, place) for name, each in agents.items()}
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


def _filled(name: str, agent: AgentSettings, place: str) -> AgentSettings:
    if agent.iterations_max is not None and agent.iterations_max < 1:
        raise WrongUsage(
            f"agents.{name}.iterations_max is {agent.iterations_max}, which leaves no step: write at least 1"
        )
    if agent.budget_usd is not None and not (math.isfinite(agent.budget_usd) and agent.budget_usd > 0):
        raise WrongUsage(f"agents.{name}.budget_usd is {agent.budget_usd:g}; it must be a sum above 0")
    named = agent.agent or name
    if not is_own(named) and (why := missing(named, None)) is not None:
        what = "is missing" if agent.agent is None else "is unknown"
        raise WrongUsage(f"agents.{name}.agent {what}: {why}")
    return replace(agent, role=role(named, place))
