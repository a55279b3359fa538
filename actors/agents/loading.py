"""A user's own agent, found by its path, `MODULE:NAME`."""

import importlib
import sys
from pathlib import Path
from typing import cast

from refold.actors.agents.agent import Agent
from refold.actors.agents.basic import Basic
from refold.actors.agents.registry import AGENTS, role_of
from refold.actors.tools.toolbox import Proposal, Refusal
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.settings import Role, Settings


class AgentUnknown(LookupError):
    """Nothing of that name is an agent; the message says why."""


def is_own(name: str) -> bool:
    """Whether a name is the dotted path of a user's agent."""
    return ":" in name


def load(name: str) -> Agent:
    """Return the agent of this name: one of ours, or a user's. Raises `AgentUnknown`."""
    if not is_own(name):
        try:
            return AGENTS[name]
        except KeyError:
            raise AgentUnknown(f"{name!r} is none of {', '.join(sorted(AGENTS))}") from None
    place, _, attribute = name.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # Where whoever asks keeps the agent, and what it imports.
    try:
        found = getattr(importlib.import_module(place), attribute)
        agent = cast("Agent", found() if isinstance(found, type) else found)
        _check(agent)
    except Exception as error:  # Whatever a stranger's module does when it is imported.
        raise AgentUnknown(f"{type(error).__name__}: {error}") from error
    return agent


def role(name: str, place: str) -> Role | None:
    """Return what is recorded of a user's agent, also that it cannot be had; None for one of ours."""
    if not is_own(name):
        return None
    try:
        agent = load(name)
        return role_of(agent, place, reads=type(agent).read is not Basic.read)
    except AgentUnknown as unknown:
        return Role(missing=str(unknown))


def read_by(
    settings: Settings, fact: ModelAnswered | ModelFailed, tools: tuple[str, ...]
) -> tuple[Proposal | Refusal, ...] | None:
    """Return an answer as the user's own agent reads it; None where it is read in our way. Never raises."""
    if settings.role is None or not settings.role.reads or isinstance(fact, ModelFailed):
        return None
    try:
        return tuple(load(settings.agent).read(fact, tools)) or (_unread("it read nothing in it"),)
    except Exception as error:  # noqa: BLE001 - a bug in an agent is for its model to work around
        return (_unread(f"{type(error).__name__}: {error}"),)


def _unread(why: str) -> Refusal:
    return Refusal(reason=f"Your answer could not be read by this agent ({why}).")


def _check(agent: Agent) -> None:
    for part in ("name", "tools", "system_prompt", "read"):
        if not hasattr(agent, part):
            raise TypeError(f"{agent!r} is no agent: it has no `{part}`")
    tools: tuple[object, ...] = agent.tools
    if not all(isinstance(tool, str) for tool in tools):
        raise TypeError(f"the tools of {agent!r} are not all names")
