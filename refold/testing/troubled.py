"""A world in which things go wrong: its model fails in every way there is, and its runner gets lost."""

from collections.abc import Sequence
from functools import partial
from typing import get_args, override

from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import Line, ScriptedModel
from refold.actors.models.port import Model, OnGlimpse
from refold.actors.runner.fake import Answer, FakeWorld, obedient
from refold.actors.runtime.port import HandsLost, Prepared, RunnerPort
from refold.actors.servers.fake import FakeServers
from refold.actors.servers.port import FoundTool
from refold.eventlog.actions import Action
from refold.eventlog.events import FaultClass, ModelAnswered, ModelFailed, RuntimeConnected, RuntimeFailed
from refold.eventlog.observations import Observation, RunOutput
from refold.eventlog.risk import Assessment
from refold.eventlog.settings import Price, Settings
from refold.projections.request import Request
from refold.testing.approvals import FAKE, fake_risk
from refold.testing.world import SmallHands, SmallWorld

MODEL_FAULTS: tuple[str, ...] = tuple(
    fault for fault in get_args(FaultClass.__value__) if fault != "script_exhausted"
)
LOSSES = ("lost_before", "lost_after", "lost_unsaid")
CUTS = ("cut_before", "cut_after")
RETRY_AFTER_S = 2.5
OFFERED = (FoundTool(name="look", read_only=True), FoundTool(name="do"))
"""By every server."""


class TroubledWorld(SmallWorld):
    """A `SmallWorld` that asks the stepper, at every touch, whether something goes wrong."""

    def __init__(
        self,
        stepper: Stepper,
        lines: Sequence[Line] = (),
        *,
        price: Price | None = None,
        answer: Answer = obedient,
    ) -> None:
        failing = set[str]()

        def answering(key: str, action: Action) -> Observation:
            observation = answer(key, action)
            return RunOutput(content="it fails", exit_code=1) if key in failing else observation

        super().__init__(lines, price=price, answer=answering)
        self.stepper = stepper
        self.assessing = fake_risk
        self.failing = failing
        """Keys of scripts that end with an exit code."""
        self.asked: list[tuple[str, int]] = []
        """Requests that reached the model, in order: the digest of each, and the line of a script."""
        self.let_go: list[str] = []
        """Keys whose results the runner was told to forget, in order."""
        self.servers = FakeServers(
            lambda _: OFFERED, self.runner.answer, partial(_trouble_with_server, stepper)
        )

    @override
    def missing(self, settings: Settings) -> str | None:
        self.stepper.point("loading the analyzer")
        return "it cannot be loaded" if self.stepper.mishap("analyzer", "missing") else None

    @override
    def assess(
        self, settings: Settings, wanted: Sequence[Action | None], directory: str
    ) -> tuple[Assessment | None, ...]:
        stepper = self.stepper
        stepper.point("assessing")
        match stepper.mishap("analyzer", "raises", "hangs"):
            case "raises":
                raise ValueError("the analyzer is troubled")
            case "hangs":  # Whoever asks with a time limit is told this in its stead.
                said = Assessment(risk="unknown", reason="the analyzer took too long", analyzer=FAKE)
                return tuple(None if action is None else said for action in wanted)
            case _:
                return super().assess(settings, wanted, directory)

    @override
    def model(self, settings: Settings) -> Model:
        return _TroubledModel(self, self.scripts.get(str(settings.model), self.scripted))

    @override
    def way_to_runner(self, stream: str) -> RunnerPort:
        return _TroubledHands(self, self.runner_of(stream))


def _trouble_with_server(stepper: Stepper, what: str) -> str | None:
    """Ask what goes wrong; no method, for a world that holds itself is garbage after each run."""
    stepper.point(f"server: {what}")
    ways = ("unavailable",) if what == "find" else ("unavailable", *LOSSES[:2])
    return stepper.mishap("server", *ways)


class _TroubledModel:
    def __init__(self, world: TroubledWorld, scripted: ScriptedModel) -> None:
        self._world, self._scripted = world, scripted

    def ask(
        self, request: Request, *, script_line: int = 0, on_glimpse: OnGlimpse | None = None
    ) -> ModelAnswered | ModelFailed:
        world = self._world
        world.asked.append((request.digest, script_line))
        world.stepper.point("asking the model")
        fault = world.stepper.mishap("model", *MODEL_FAULTS)
        if fault is None:
            return self._scripted.ask(request, script_line=script_line, on_glimpse=on_glimpse)
        after_s = RETRY_AFTER_S if fault == "rate_limit" else None
        return ModelFailed(fault=fault, message="the model is troubled", retry_after_s=after_s)  # type: ignore[arg-type]


class _TroubledHands(SmallHands):
    def __init__(self, world: TroubledWorld, runners: FakeWorld) -> None:
        super().__init__(world, runners)
        self._troubled = world
        self._elsewhere = False
        """Whether a line leads to the runner, which lives on when that is cut."""

    @override
    def connect(
        self, settings: Settings, *, epoch: int, incarnation: str
    ) -> RuntimeConnected | RuntimeFailed:
        stepper = self._troubled.stepper
        stepper.point("connecting")
        self._elsewhere = settings.sandbox == "remote"
        match stepper.mishap("runner", "lost", "unavailable"):
            case "lost":
                self._runners.lose()
            case "unavailable":
                return RuntimeFailed(reason="no sandbox works here")
            case _:
                pass
        return super().connect(settings, epoch=epoch, incarnation=incarnation)

    @override
    def execute(
        self,
        key: str,
        digest: str,
        action: Action,
        *,
        started_in: str,
        on_glimpse: OnGlimpse | None = None,
    ) -> Observation:
        stepper, runner = self._troubled.stepper, self._runners
        stepper.point("before executing")
        if "/start/" in key and key not in runner.known and stepper.mishap("script", "fails"):
            self._troubled.failing.add(key)
        cut = stepper.mishap("line", *CUTS) if self._elsewhere else None
        if cut is not None and self._runner is not None:
            runner.lost.add(self._runner.incarnation)
        if cut == "cut_before":
            raise HandsLost("the line was cut before anything was said")
        if key not in runner.known and (loss := stepper.mishap("runner", *LOSSES)):
            runner.mishaps[key] = loss  # type: ignore[assignment]
        observation = super().execute(key, digest, action, started_in=started_in, on_glimpse=on_glimpse)
        stepper.point("after executing")
        if cut == "cut_after":
            raise HandsLost("the line was cut before the answer came")
        return observation

    @override
    def prepare(self, key: str, settings: Settings) -> Prepared:
        stepper, world = self._troubled.stepper, self._troubled
        stepper.point("preparing")
        match stepper.mishap("repository", "refused", "lost", "lost_after"):
            case "refused":
                return Prepared(ok=False, detail="the remote refuses" + "".join(world.secrets))
            case "lost":
                self._runners.lose()
            case "lost_after":
                world.repository = settings.repository
                self._runners.lose()
            case _:
                pass
        return super().prepare(key, settings)

    @override
    def end(self) -> None:
        self._troubled.stepper.point("ending the runner")
        super().end()

    @override
    def acknowledge(self, key: str) -> None:
        self._troubled.let_go.append(key)
        super().acknowledge(key)
