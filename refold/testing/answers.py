"""What the models of the scenarios say, and what the world answers them."""

from msgspec.structs import replace

from refold.actors.models.fake import Line, says
from refold.eventlog.actions import Action
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.observations import Observation, RunOutput
from refold.eventlog.usage import Usage
from refold.projections.request import Request
from refold.testing.remembering import SKILL


def run(token: str) -> tuple[str, dict[str, str]]:
    return "execute_bash", {"command": f"echo {token} >> tokens"}


FINISH: tuple[str, dict[str, str]] = ("finish", {"message": "done"})
LONG = 7
USAGE = Usage(prompt=1000, completion=100)
_WINDOW = 11_500
"""Characters that the model takes, system message and tools included; of what it sums up, a quarter."""
_WORDS = "so it says " * 50


def task(agent: str, task: str = "a part of it") -> tuple[str, dict[str, str]]:
    return "delegate", {"agent": agent, "task": task}


def costing(*lines: Line) -> tuple[Line, ...]:
    return tuple(replace(line, usage=USAGE, cost_usd=0.0024) for line in lines if not callable(line))


def small(number: int) -> Line:
    """Return an answer of a model with a small window; the one that sums up has it too."""

    def line(request: Request) -> ModelAnswered | ModelFailed:
        aside = request.model == "script:summary"
        if request.characters > (_WINDOW // 4 if aside else _WINDOW):
            return ModelFailed(fault="context_window", message="the prompt is too long")
        if aside:
            return says(f"summary {number}: {_WORDS * (1 + number % 3 * 8)}")
        calls = [run(f"{number}{part}") for part in "ab"[: 1 + number % 2]]
        return says(f"step {number}", *calls, *((FINISH,) if number % LONG == LONG - 1 else ()))

    return line


def talkative(key: str, action: Action) -> Observation:
    """Answer with so much that the window fills up."""
    del action
    return RunOutput(content=f"{key}: {_WORDS}", exit_code=0)


def recalling(number: int) -> Line:
    """Return an answer that has something recalled: it works in a folder, or loads a skill."""
    calls = (
        ("execute_bash", {"command": f"make -C sub/{number}"}),
        ("load_skill", {"name": SKILL if number % 3 else "doc"}),
        ("execute_bash", {"command": f"cat /w/sub/deep/{number}"}),
    )
    chosen = [call for place, call in enumerate(calls) if (number + place) % 4]
    return says(f"step {number}", *chosen, *((FINISH,) if number % LONG == LONG - 1 else ()))
