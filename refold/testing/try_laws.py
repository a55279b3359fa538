"""Laws of tries (B30): how often a model that fails is asked again, after which faults, and not at once."""

from typing import TYPE_CHECKING

from refold.eventlog.events import AgentStateChanged, FaultClass, ModelAsked
from refold.eventlog.record import Record
from refold.testing.minutes import Minutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refold.testing.laws import Kinds
    from refold.testing.steps import StepLaw, Steps

STAYING: frozenset[FaultClass] = frozenset({"authentication", "credit", "content_policy", "not_found"})
"""Faults that no further try will mend."""


def tries_are_exact(minutes: Minutes, steps: "Steps", record: Record) -> str | None:
    """B30: a step is tried again as often as its settings say, and given up only then."""
    settings = minutes.state.life.settings
    if settings is None:
        return None
    match record.event:
        case ModelAsked(step=step) if step == steps.step and steps.failures > settings.retries_max:
            return f"step {step} is tried after {steps.failures} failures"
        case AgentStateChanged(state="error", reason=reason) if "gave up" in reason:
            if steps.failures <= settings.retries_max:
                return f"given up after {steps.failures} failures of {settings.retries_max + 1}"
        case _:
            pass
    return None


def what_will_not_pass_is_not_tried_again(minutes: Minutes, steps: "Steps", record: Record) -> str | None:
    """B30."""
    del minutes
    match record.event:
        case AgentStateChanged(state="rate_limited") if steps.fault in STAYING:
            return f"version {record.version} will try again after {steps.fault}"
        case _:
            return None


def who_failed_waits_before_the_next_try(minutes: Minutes, steps: "Steps", record: Record) -> str | None:
    """B30: of the agent's steps and of questions aside."""
    del minutes
    match record.event:
        case ModelAsked() if steps.hasty:
            return f"version {record.version} asks again at once after {steps.fault}"
        case _:
            return None


TRY_LAWS: "Mapping[StepLaw, Kinds]" = {
    tries_are_exact: (ModelAsked, AgentStateChanged),
    what_will_not_pass_is_not_tried_again: (AgentStateChanged,),
    who_failed_waits_before_the_next_try: (ModelAsked,),
}
"""Each law with the kinds of facts that it looks at."""
