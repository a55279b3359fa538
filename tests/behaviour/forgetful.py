"""Sessions that forget: played whole with a model whose window is small, or line by line."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from refold.actors.dispatch.choices import Victim
from refold.actors.dispatch.choosers import Replay
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import Line, says
from refold.actors.session.commands import BeginAsk, BeginCondensation
from refold.actors.session.due import PrepareSummary, due
from refold.actors.session.verify import verify
from refold.eventlog.actions import Action
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.condensers import (
    Condenser,
)
from refold.eventlog.events import (
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    SessionStarted,
)
from refold.eventlog.observations import Observation, RunOutput
from refold.eventlog.record import Record
from refold.projections.request import Request
from refold.testing.crash import IDENTITY, STREAM, Lived, live
from refold.testing.forgetting import misshapen
from refold.testing.world import SmallWorld
from tests.behaviour.scenes import FINISH, RUN, PrepareAsk, Scene, settings

WORDS = "as it says " * 60
STEPS = 24
SMALL = 15_000
"""Characters that the small model takes: the system message and the tools are half of them."""


class Played(Struct, frozen=True):
    lived: Lived
    world: SmallWorld
    records: list[Record]

    def of[E](self, kind: type[E]) -> list[E]:
        return [record.event for record in self.records if isinstance(record.event, kind)]

    @property
    def steps(self) -> list[Request]:
        """The requests for steps that were answered."""
        return [request for request in self.world.scripted.requests if request.model == "script:s"]


def talkative(key: str, action: Action) -> Observation:
    """Answer at length, and otherwise each time: who forgets is not to be taken for going in circles."""
    del action
    return RunOutput(content=f"{key}: {WORDS}", exit_code=0)


def worker(number: int, takes: int) -> Line:
    """Return what a model says that works until its last line and takes so many characters."""

    def line(request: Request) -> ModelAnswered | ModelFailed:
        if request.characters > takes:
            return ModelFailed(fault="context_window", message="the prompt is too long")
        if request.model == "script:s":
            return says(f"step {number}", FINISH if number == STEPS - 1 else RUN)
        return says(f"In short: {number}.")

    return line


def play(
    condenser: Condenser,
    *,
    takes: int = SMALL,
    aim: Callable[[str, str], Victim | None] | None = None,
    lines: Sequence[Line] | None = None,
    **changes: object,
) -> Played:
    world = SmallWorld(
        [worker(number, takes) for number in range(STEPS)] if lines is None else lines, answer=talkative
    )
    start = SessionStarted(settings=settings(condenser=condenser, **changes), task="do it")
    lived = live(Stepper(chooser=Replay(), aim=aim), world, start)
    return Played(lived, world, list(lived.log.read(STREAM)))


def check(played: Played) -> None:
    """Hold what is true whatever was forgotten."""
    assert [wrong for request in played.steps if (wrong := misshapen(request))] == []
    assert verify(played.lived.log, STREAM, code=IDENTITY.code).divergence is None
    assert [record.version for record in played.records] == list(range(len(played.records)))
    assert len(played.of(Condensed)) + len(played.of(ModelFailed)) > 0


def condensed(tokens: int) -> Condensed:
    return Condensed(condenser="recent", reason="context_window", step=0, tokens=tokens, messages=1)


def asked_to_condense() -> CondensationAsked:
    return CondensationAsked(
        condenser="summary", reason="size", step=0, messages=4, tokens=1000, tokens_forgotten=900
    )


def forget(scene: Scene, fact: CondensationAsked | Condensed | CondensationFailed) -> Scene:
    """Tell what is to be forgotten in place of the step that is due."""
    (prepare,) = [effect for effect in due(scene.state) if isinstance(effect, PrepareAsk)]
    if not isinstance(fact, CondensationFailed):
        fact = replace(fact, step=prepare.step)
    return scene.do(BeginCondensation(**scene.id(), fact=fact, seen=scene.state.version))


def ask_aside(scene: Scene, cost: float = 0.0) -> Scene:
    """Record the question for the summary that is due."""
    (prepare,) = [effect for effect in due(scene.state) if isinstance(effect, PrepareSummary)]
    fact = ModelAsked(
        cause=prepare.condensation,
        purpose="condense",
        model="script:small",
        attempt=prepare.attempt,
        step=scene.state.agent.iterations,
        request="digest",
        messages=2,
        cost_estimated_usd=cost,
    )
    return scene.do(BeginAsk(**scene.id(), fact=fact, seen=scene.state.version))
