"""What ends a run before its next model step: limits, circles, repairs without end."""

from refold.actors.controller.state import Agent
from refold.actors.controller.stuck import pattern
from refold.eventlog.events import AgentStateChanged, Event, LimitsExtended, StuckDetected
from refold.eventlog.settings import Settings


def follow_limits(agent: Agent, settings: Settings) -> tuple[Event, ...]:
    """Return why the next ask may not happen; nothing if it may."""
    if agent.over_budget:
        return (_error(f"the budget of {agent.budget_usd} USD is spent; `continue` extends it"),)
    if agent.step is not None:
        return ()
    if agent.repairs > settings.repairs_max:
        return (_error(f"the model's last {agent.repairs} answers held no valid action"),)
    if agent.iterations_left <= 0:
        limit = "1 iteration" if agent.iterations_max == 1 else f"{agent.iterations_max} iterations"
        return (_error(f"the limit of {limit} (max_iterations) is reached; `continue` extends it"),)
    if circle := pattern(agent.turns):
        return (StuckDetected(pattern=circle), _error(f"the agent is going in circles: {circle}"))
    return ()


def extension(agent: Agent, settings: Settings) -> tuple[LimitsExtended, ...]:
    """Return the extension that a message brings about once the limit is reached; never of the budget."""
    if agent.iterations_left > 0:
        return ()
    return (LimitsExtended(iterations=settings.iterations_max),)


def _error(reason: str) -> AgentStateChanged:
    return AgentStateChanged(state="error", reason=reason)
