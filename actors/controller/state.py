"""What the controller knows of its agent: state, limits, the open ask, and what just happened."""

from msgspec import Struct

from refold.eventlog.events import AgentState
from refold.eventlog.settings import Purpose
from refold.eventlog.tasks import Task


class Ask(Struct, frozen=True, kw_only=True):
    """A question to a model that has no answer yet; `version` is its `ModelAsked`."""

    version: int
    attempt: int
    cost_estimated_usd: float | None
    model: str = ""
    purpose: Purpose = "step"


class Step(Struct, frozen=True, kw_only=True):
    """A model step under way: how often it was tried, and how many of the tries failed."""

    number: int
    attempts: int
    failures: int = 0


class Turn(Struct, frozen=True, kw_only=True):
    """A thing the agent did since the last user message, as digests: enough to see it going in circles."""

    version: int
    kind: str
    action: bytes
    observation: bytes | None = None
    failed: bool = False


class Reenactment(Struct, frozen=True, kw_only=True):
    """A recording that is carried out again: `cursor` is the version in `source` that was reached."""

    source: str
    cursor: int = -1
    strict: bool = False
    ended: bool = False
    diverged: bool = False
    begun: int = -1
    """The event that began the last step; a recorded message stands right behind it."""
    interjected: bool = False
    """A message came that is not the recording's: it is heard when the recording ends."""


class Agent(Struct, frozen=True, kw_only=True):
    state: AgentState = "loading"
    state_version: int = -1
    """The event that brought the state about; a timer names it."""
    retry_at: int | None = None
    iterations: int = 0
    iterations_base: int = 0
    """Iterations at the last extension: the limit counts from there."""
    iterations_max: int = 0
    cost_usd: float | None = 0.0
    """Everything spent so far; None as soon as one price is unknown."""
    cost_base_usd: float = 0.0
    budget_usd: float | None = None
    ask: Ask | None = None
    step: Step | None = None
    unseen: bool = False
    """Something stands in the log that the model has not been shown and should react to."""
    unheard: bool = False
    """One of these things is a user's message: the agent may not rest before it has heard it."""
    finishing: bool = False
    """The agent said that it is done, or `rejecting`: that it will not do it."""
    rejecting: bool = False
    waiting: bool = False
    """The agent spoke to the user and wants an answer."""
    repairs: int = 0
    scripts: tuple[tuple[str, int], ...] = ()
    """For each script that was asked, how many answers and failures were accepted from it."""
    turns: tuple[Turn, ...] = ()
    tasks: tuple[Task, ...] = ()
    """The list that it keeps of its own work."""
    reenactment: Reenactment | None = None

    def script_line(self, model: str | None) -> int:
        """Return the line of a script that is next; no other model has lines."""
        return next((lines for name, lines in self.scripts if name == model), 0)

    @property
    def reenacting(self) -> bool:
        return self.reenactment is not None and not self.reenactment.ended

    @property
    def iterations_left(self) -> int:
        return self.iterations_base + self.iterations_max - self.iterations

    @property
    def over_budget(self) -> bool:
        if self.budget_usd is None:
            return False
        return self.cost_usd is None or self.cost_usd - self.cost_base_usd >= self.budget_usd
