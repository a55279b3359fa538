"""What of a run is the user's own: an agent, a world, a law. What they raise is told as their mistake."""

import traceback
from collections.abc import Callable, Sequence

from refold.actors.memory.actor import Sources
from refold.actors.models.fake import Line
from refold.actors.runner.fake import Answer
from refold.eventlog.actions import Action
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.observations import Observation
from refold.projections.request import Request
from refold.testing.minutes import Broken
from refold.testing.places import place

ANSWERS_MAX = 1000
"""So often an agent is asked in one run: far more than the steps of a run allow."""

type Agent = Callable[[Request], ModelAnswered | ModelFailed]
"""Looks at the conversation and says what to do next, in place of a model."""


class Own:
    """Watches the code of a scenario that is not Refold's, for one run; `mistakes` is what it raised."""

    def __init__(
        self,
        agent: Callable[[], Agent] | None,
        answers: Callable[[], Answer],
        memory: Callable[[], Sources] | None,
    ) -> None:
        self.mistakes: list[Broken] = []
        self._make_agent, self._make_answers, self._make_memory = agent, answers, memory
        self._agents: list[Agent] = []
        self._answers: list[Answer] = []
        self.memory: Sources | None = None
        """What memory finds, from the first process on."""

    def begin(self) -> None:
        """Make what is the user's: the agent for each process, with whom it forgets, and all else once."""
        if not self._answers:
            self._answers.append(made("answers_can_be_made", self._make_answers))
            self.memory = made("memory_can_be_made", self._make_memory) if self._make_memory else None
        if self._make_agent is not None:
            self._agents[:] = [made("an_agent_can_be_made", self._make_agent)]

    @property
    def answering(self) -> Answer:
        """What carries out actions, from the first process on."""
        return self._answers[0]

    def answer(self) -> Answer:
        """Return what has actions carried out by what is there by then."""
        answers = self._answers

        def answer(key: str, action: Action) -> Observation:
            return answers[0](key, action)

        return self.watched("answers_raise_nothing", answer)

    def lines(self, lines: Sequence[Line]) -> tuple[Line, ...]:
        """Return what the model says: the agent's answers if there is an agent, else `lines`."""
        if self._make_agent is None:
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


def made[R](law: str, make: Callable[[], R]) -> R:
    """Return what the user's own code makes; that it raises breaks `law`."""
    try:
        return make()
    except (Exception, SystemExit) as error:
        raise Broken(law, _told(error)) from error


def _told(error: BaseException) -> str:
    """Return what was raised, and in which line of the user's."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return said + place(reversed(tuple(traceback.walk_tb(error.__traceback__))))
