"""What of a run is the user's own: an agent, a world, a law. What they raise is told as their mistake."""

import traceback
from collections.abc import Callable, Sequence

from refold.actors.models.fake import Line
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.projections.request import Request
from refold.testing.minutes import Broken

ANSWERS_MAX = 1000
"""So often an agent is asked in one run: far more than the steps of a run allow."""
OURS = "refold."

type Agent = Callable[[Request], ModelAnswered | ModelFailed]
"""Looks at the conversation and says what to do next, in place of a model."""


class Own:
    """Watches the code of a scenario that is not Refold's, for one run; `mistakes` is what it raised."""

    def __init__(self, agent: Callable[[], Agent] | None) -> None:
        self.mistakes: list[Broken] = []
        self._make = agent
        self._agents: list[Agent] = []

    def begin(self) -> None:
        """Make the agent of a process: what it remembers lives as long as the process does."""
        if self._make is not None:
            self._agents[:] = [self._make()]

    def lines(self, lines: Sequence[Line]) -> tuple[Line, ...]:
        """Return what the model says: the agent's answers if there is an agent, else `lines`."""
        if self._make is None:
            return tuple(
                self.watched("lines_raise_nothing", line) if callable(line) else line for line in lines
            )
        agents = self._agents

        def answer(request: Request) -> ModelAnswered | ModelFailed:
            return agents[0](request)  # Whoever is there by then.

        return (self.watched("an_agent_raises_nothing", answer),) * ANSWERS_MAX

    def watched[**P, R](self, law: str, call: Callable[P, R]) -> Callable[P, R]:
        mistakes = self.mistakes

        def watched(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return call(*args, **kwargs)
            except (Exception, SystemExit) as error:
                mistakes.append(Broken(law, _told(error)))
                raise

        return watched


def hold[R](law: Callable[[R], None], run: R) -> None:
    """Ask a law: an `assert` that fails breaks it as `Broken` does, and so does whatever else it raises."""
    try:
        law(run)
    except Broken:
        raise
    except Exception as error:
        raise Broken(getattr(law, "__name__", type(law).__name__), _told(error)) from error


def _told(error: BaseException) -> str:
    """Return what was raised, and in which line of the user's."""
    frames = [
        (frame.f_code, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not str(frame.f_globals.get("__name__")).startswith(OURS)
    ]
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if not frames:
        return said
    code, line = frames[-1]
    return f"{said} ({code.co_filename.rpartition('/')[2]}:{line}, in {code.co_name})"
