"""What a start decides: which step is next, when it is through, and what becomes of one that failed."""

from collections.abc import Sequence

from refold.actors.runtime.decide import give_up
from refold.actors.session.commands import ReportRelease, ReportStep
from refold.actors.session.state import State
from refold.actors.start.steps import STEPS
from refold.eventlog.events import Event, WarningRaised
from refold.eventlog.starting import StartEnded, StartStep, StartStepEnded


def owes_step(state: State) -> StartStep | None:
    """Return the step that is to be done now, by somebody outside."""
    start = state.start
    if not start.owed or start.releasing or state.agent.state not in {"loading", "running"}:
        return None
    step = start.owed[0]
    if step == "secrets" or (STEPS[step].connected and state.hands.incarnation is None):
        return None
    return step


def decide_step(state: State, command: ReportStep) -> tuple[Event, ...]:
    fact = command.fact
    if owes_step(state) != fact.step:
        return ()
    if fact.incarnation is not None and fact.incarnation != state.hands.incarnation:
        return ()
    if fact.outcome != "failed":
        warned = fact.outcome == "warned"
        return (fact, *((WarningRaised(text=f"{fact.step}: {fact.detail}"),) if warned else ()))
    reason = f"the start failed at its step {fact.step!r}: {fact.detail}"
    return (fact, *give_up(state, reason, reason))


def decide_release(state: State, command: ReportRelease) -> tuple[Event, ...]:
    return (command.fact,) if state.start.releasing else ()


def follow_secrets(state: State) -> tuple[Event, ...]:
    """Return the names of the secrets: whoever drives the session has read and masks them by now."""
    settings = state.life.settings
    if state.start.owed[:1] != ("secrets",) or settings is None:
        return ()
    return (StartStepEnded(step="secrets", detail=", ".join(settings.secrets)),)


def ended(state: State) -> Sequence[Event]:
    """Return what a start that took more than a connection says of itself when it is through."""
    start = state.start
    if not start.took:
        return ()
    steps = dict(start.took)
    return (StartEnded(seconds=sum(steps.values()), steps=steps, restored=start.restored),)
