"""What delegation decides: whether an action starts a delegate, what it is granted, what came of it."""

from msgspec import Struct
from msgspec.structs import replace

from refold.actors.agents.registry import missing
from refold.actors.delegation.state import DELEGATE
from refold.actors.runtime.state import OpenAction
from refold.actors.session.commands import Command, ContinueAgent, ReportDelegate
from refold.actors.session.refused import Refused
from refold.actors.session.state import State
from refold.eventlog.events import (
    ActionStarted,
    AgentState,
    Event,
    LateResultRecorded,
    ObservationRecorded,
)
from refold.eventlog.observations import Failure
from refold.eventlog.settings import AgentSettings, Settings, with_model

AT_END: frozenset[AgentState] = frozenset({"finished", "rejected", "error", "stopped", "awaiting_user_input"})
"""States in which a delegate has done what it can: its result is its parent's, a question to it included."""


class Grant(Struct, frozen=True, kw_only=True):
    """The slice of its parent's limits that a delegate may use up."""

    iterations: int
    budget_usd: float | None


def begin_delegate(state: State, opened: OpenAction) -> tuple[Event, ...]:
    """Return how a delegation begins, or the answer that says why it does not."""
    settings = state.life.settings
    reason = "no settings" if settings is None else _obstacle(state, settings, opened.name)
    if reason is not None:
        return (
            ObservationRecorded(
                cause=opened.version,
                observation=Failure(content=f"Not delegated: {reason}."),
                tool_call_id=opened.tool_call_id,
                by="system",
            ),
        )
    return (ActionStarted(cause=opened.version, incarnation=DELEGATE),)


def decide_delegate(state: State, command: ReportDelegate) -> tuple[Event, ...]:
    """Record a result once: as the action's observation, or as a late one where it was answered otherwise."""
    fact = command.fact
    if all(one.version != fact.cause for one in state.delegates):
        return ()
    if state.hands.find(fact.cause) is None:
        return (LateResultRecorded(cause=fact.cause, observation=fact.observation),)
    return (fact,)


def granted(state: State, agent: AgentSettings) -> Grant:
    """Return what a delegate may use up: what its agent is allowed, and never more than is left."""
    mine = state.agent
    iterations = mine.iterations_left
    if agent.iterations_max is not None:
        iterations = min(iterations, agent.iterations_max)
    budget = agent.budget_usd
    if mine.budget_usd is not None:
        # Of what nobody knows to be spent, nothing is known to be left.
        left = 0.0 if mine.cost_usd is None else mine.budget_usd - (mine.cost_usd - mine.cost_base_usd)
        budget = left if budget is None else min(left, budget)
    return Grant(iterations=iterations, budget_usd=budget)


def child_settings(state: State, name: str) -> Settings:
    """Return the settings of the delegate called `name`: its parent's, but for what its agent is and may."""
    settings = state.life.settings
    if settings is None:
        raise AssertionError("a session without settings delegates nothing")
    agent = settings.agents[name]
    grant = granted(state, agent)
    return replace(
        settings if agent.model is None else with_model(settings, agent.model),
        agent=agent.agent or name,
        role=agent.role,
        tools=agent.tools,
        repository=None,
        branch=None,
        iterations_max=grant.iterations,
        budget_usd=grant.budget_usd,
        delegation_depth=settings.delegation_depth - 1,
    )


def check_delegate(state: State, command: Command) -> None:
    """Raise `Refused` for what would let a delegate outgrow its slice, or outlive its result."""
    parent = state.life.parent
    if parent is None:
        return
    if state.agent.state in AT_END:
        raise Refused(
            f"the session is a delegate that has ended, and {parent!r} has its result: `fork` goes on from it"
        )
    if isinstance(command, ContinueAgent):
        raise Refused(f"the limits of a delegate are its parent's: `continue {parent}` extends those")


def _obstacle(state: State, settings: Settings, name: str) -> str | None:
    if state.agent.reenacting:
        return "a re-enactment asks no other agent"
    agent = settings.agents.get(name)
    if agent is None:
        known = ", ".join(sorted(settings.agents)) or "none"
        return f"there is no agent {name!r} to delegate to; there are: {known}"
    if settings.delegation_depth <= 0:
        return "a delegate of this depth may not delegate further"
    if (lacking := missing(agent.agent or name, agent.role)) is not None:
        return lacking
    grant = granted(state, agent)
    if grant.iterations <= 0:
        return "no iterations are left"
    if grant.budget_usd is not None and grant.budget_usd <= 0:
        return "no budget is left"
    return None
