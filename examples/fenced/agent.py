"""An agent for models that call no tools: it reads commands from fenced blocks of what they write."""

import re

from refold.actors.tools.toolbox import Proposal, Refusal
from refold.eventlog.actions import Finish, Message, Run
from refold.eventlog.events import ModelAnswered

BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
DONE = re.compile(r"^DONE:(.*)", re.MULTILINE | re.DOTALL)


class Fenced:
    """Write one block and it is run; write `DONE:` and a report, and the work is over."""

    name = "fenced"
    tools: tuple[str, ...] = ()

    def system_prompt(self, place: str) -> str:
        return (
            f"You work in {place}. To run a command, write one block that begins with ```bash and ends with "
            "```; you are told what it printed. When the task is done, write DONE: and a short report."
        )

    def read(self, answer: ModelAnswered, tools: tuple[str, ...]) -> tuple[Proposal | Refusal, ...]:
        del tools  # There are none.
        blocks = BLOCK.findall(answer.content)
        if len(blocks) > 1:
            return (Refusal(reason=f"You wrote {len(blocks)} blocks. Write one, and wait for its output."),)
        if blocks:
            thought = BLOCK.sub("", answer.content).strip()
            return (Proposal(action=Run(command=blocks[0].strip(), thought=thought)),)
        if done := DONE.search(answer.content):
            return (Proposal(action=Finish(message=done[1].strip())),)
        return (Proposal(action=Message(content=answer.content)),)
