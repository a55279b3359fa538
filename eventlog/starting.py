"""The facts of a start: what was done for a session, step by step, before its agent took a turn."""

from typing import Literal

from refold.eventlog.fact import Fact

# Starting ---------------------------------------------------------------------------------------------

type StartStep = Literal["secrets", "analyzer", "repository", "setup", "hooks"]
type StepOutcome = Literal["done", "warned", "failed"]


class StartStepEnded(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A step of the start is over: `warned` where an optional part failed, `failed` where the start ends."""

    step: StartStep
    outcome: StepOutcome = "done"
    seconds: float = 0.0
    detail: str = ""
    found: tuple[str, ...] = ()
    """Scripts that lie in the workspace by now, each the reason for a step of its own."""
    incarnation: str | None = None
    """The runner that it was done in, where it has to be done again in another."""


class StartEnded(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A start that took more than a connection is through; `seconds` of each of its steps, in order."""

    seconds: float = 0.0
    steps: dict[str, float] = {}
    restored: tuple[str, ...] = ()
    """What was there already, such as a runner that was found alive."""


class RuntimeReleased(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The start failed, and the runner that was launched for it is gone."""
