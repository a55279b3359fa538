"""An agent that is told something and calls tools: all that most agents are."""

from msgspec import Struct

from refold.actors.tools.prompt import system_prompt
from refold.actors.tools.toolbox import Proposal, Refusal, read_answer
from refold.eventlog.events import ModelAnswered


class Basic(Struct, frozen=True, kw_only=True):
    """`additions` stand at the end of the system message that every agent of ours is given."""

    name: str
    tools: tuple[str, ...]
    additions: str = ""

    def system_prompt(self, place: str) -> str:
        return system_prompt(place=place, additions=self.additions)

    def read(self, answer: ModelAnswered, tools: tuple[str, ...]) -> tuple[Proposal | Refusal, ...]:
        return read_answer(answer, tools)
