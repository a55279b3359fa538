"""What an agent is: what it is called, told and offered, and how its answers are read. Nothing that acts."""

from typing import Protocol

from refold.actors.tools.toolbox import Proposal, Refusal
from refold.eventlog.events import ModelAnswered


class Agent(Protocol):
    """Yours to write; `Basic` does for most. Pure: the same questions have the same answers, always.

    What it is told and offered is recorded when its session starts, and each answer as it was read: a session
    goes on, and is verified, by what is on record.
    """

    @property
    def name(self) -> str: ...

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the tools that it is offered; one that its session does not have is left out."""
        ...

    def system_prompt(self, place: str) -> str:
        """Return what it is told before anything else; it works in the folder `place`."""
        ...

    def read(self, answer: ModelAnswered, tools: tuple[str, ...]) -> tuple[Proposal | Refusal, ...]:
        """Return what an answer wants, in its order, given the `tools` that are on record; never empty.

        `read_answer` of the toolbox reads tool calls; an agent whose model writes its wishes down in some
        other way reads them here.
        """
        ...
