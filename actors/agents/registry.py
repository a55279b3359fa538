"""The agents that come with Refold, by name, and what is recorded of one that a user brings."""

from typing import Any

from refold.actors.agents.agent import Agent
from refold.actors.agents.basic import Basic
from refold.actors.security.schema import with_estimate
from refold.actors.tools import (
    delegate,
    execute_bash,
    execute_ipython_cell,
    finish,
    reject,
    str_replace_editor,
    task_tracker,
    think,
    view,
)
from refold.actors.tools.server_tools import SERVERS, schema_of
from refold.actors.tools.toolbox import SCHEMAS
from refold.eventlog.events import SystemMessageAdded
from refold.eventlog.settings import Role, Settings
from refold.eventlog.tools import ServerTool

_READER = """# What you are here for
- You look and report. You have no tool that changes anything: what you cannot find out by reading files, you
  leave open, and say so.
- Report what you found with the paths and lines where it stands."""

AGENTS: dict[str, Agent] = {
    agent.name: agent
    for agent in (
        Basic(
            name="codeact",
            tools=(
                execute_bash.NAME,
                execute_ipython_cell.NAME,
                str_replace_editor.NAME,
                delegate.NAME,
                think.NAME,
                task_tracker.NAME,
                finish.NAME,
                reject.NAME,
                SERVERS,
            ),
        ),
        Basic(name="reader", tools=(view.NAME, think.NAME, finish.NAME), additions=_READER),
    )
}


def role_of(agent: Agent, place: str, *, reads: bool) -> Role:
    """Return what is recorded of an agent; `reads` says that it reads answers in its own way."""
    return Role(prompt=agent.system_prompt(place), tools=agent.tools, reads=reads)


def missing(name: str, role: Role | None) -> str | None:
    """Return why there is no agent called `name`, or None if there is one; `role` is what is on record."""
    if role is not None and not role.missing:
        return None
    if role is None and name in AGENTS:
        return None
    why = f": {role.missing}" if role is not None and role.missing else ""
    known = ", ".join(sorted(AGENTS))
    return f"there is no agent {name!r}{why}; there are {known}, and your own by MODULE:NAME"


def greeting(
    settings: Settings, servers: tuple[ServerTool, ...] = (), *, place: str = ""
) -> SystemMessageAdded:
    """Return the system message of a session whose agent is not `missing`: what it is told and offered.

    `servers` are the tools that the servers of its settings offer, `place` is where its runner says it works.
    """
    place = place or settings.place
    role = settings.role or role_of(AGENTS[settings.agent], place, reads=False)
    theirs = {tool.name: schema_of(tool) for tool in servers}
    names = tuple(name for tool in role.tools for name in (theirs if tool == SERVERS else (tool,)))
    if settings.tools is not None:
        allowed = {*settings.tools, *(theirs if SERVERS in settings.tools else ())}
        names = tuple(name for name in names if name in allowed)
    return SystemMessageAdded(content=role.prompt, tools=_offered(names, settings, theirs))


def _offered(
    names: tuple[str, ...], settings: Settings, theirs: dict[str, dict[str, Any]]
) -> tuple[dict[str, Any], ...]:
    schemas = {**SCHEMAS, **theirs}
    if not settings.ipython:
        del schemas[execute_ipython_cell.NAME]
    if settings.agents and settings.delegation_depth > 0:
        schemas = {**schemas, delegate.NAME: delegate.schema(settings.agents)}
    offered = tuple(schemas[name] for name in names if name in schemas)
    return with_estimate(offered) if settings.analyzer_in_force == "model" else offered
