"""A whole world for simulated sessions: a scripted model, a runner that counts, an empty memory."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from refold.actors.delegation.state import root_name
from refold.actors.memory.actor import Sources
from refold.actors.models.fake import Line, ScriptedModel
from refold.actors.models.port import Model, OnGlimpse
from refold.actors.runner.fake import Answer, FakeRunner, FakeWorld, obedient
from refold.actors.runner.masker import Masker
from refold.actors.runner.runner import LaunchFailed, RunnerLost, RunnerRefused
from refold.actors.runtime.port import HandsLost, HandsPort, Prepared, RunnerPort
from refold.actors.servers.fake import FakeServers
from refold.actors.servers.hands import ServerHands
from refold.actors.servers.routed import RoutedHands
from refold.eventlog.actions import Action
from refold.eventlog.events import RecallRecorded, RuntimeConnected, RuntimeFailed
from refold.eventlog.observations import Failure, Observation, SkillLoaded
from refold.eventlog.risk import Assessment
from refold.eventlog.settings import Price, Settings

if TYPE_CHECKING:
    from refold.actors.servers.port import ToolServers
_LAST_EPOCH = 2**62
"""Whoever comes to end a runner comes after every driver."""


class SmallWorld:
    """What sessions touch (`Edges`). It outlives every driver: what was carried out stays carried out.

    `effects` of `runner` counts by key how often an action took effect; `model` holds what was asked.
    """

    def __init__(
        self, lines: Sequence[Line] = (), *, price: Price | None = None, answer: Answer = obedient
    ) -> None:
        self.scripted = ScriptedModel(lines)
        self.scripts: dict[str, ScriptedModel] = {}
        """Models that say something else than `scripted`, by name."""
        self.runner = FakeWorld(answer)
        self.delegated: dict[str, FakeWorld] = {}
        """The runners of delegates, by their stream."""
        self.found: tuple[str, ...] = ()
        """Scripts in the workspace that a start heeds, once its repository is there."""
        self.repository: str | None = None
        """What was cloned into the workspace."""
        self.memory: Sources | None = None
        """What memory finds; by default next to nothing."""
        self.launches_fail = 0
        """So many launches of a runner still fail."""
        self.secrets: tuple[str, ...] = ()
        """What nothing that is recorded may say."""
        self.servers: ToolServers = FakeServers()
        """Set it to have servers of tools; none of them answers by default."""
        self._price = price
        self.assessing: Callable[[Action], Assessment] = lambda _: Assessment(risk="low", analyzer="fake")
        """What is made of each action where the settings name an analyzer."""

    def found_by(self, settings: Settings) -> tuple[str, ...]:
        """Return what a runner finds in the workspace when it is connected to."""
        return self.found if settings.repository in {None, self.repository} else ()

    @property
    def models(self) -> "SmallWorld":
        return self

    @property
    def sources(self) -> Sources:
        return self if self.memory is None else self.memory

    @property
    def analysts(self) -> "SmallWorld":
        return self

    def missing(self, settings: Settings) -> str | None:  # noqa: ARG002 - it can be had
        return None

    def assess(
        self,
        settings: Settings,  # noqa: ARG002 - one analyzer for all
        wanted: Sequence[Action | None],
        directory: str,  # noqa: ARG002
    ) -> tuple[Assessment | None, ...]:
        return tuple(None if action is None else self.assessing(action) for action in wanted)

    def model(self, settings: Settings) -> Model:
        return self.scripts.get(str(settings.model), self.scripted)

    def price(self, settings: Settings) -> Price | None:
        return settings.price or self._price

    def glimpses(self, stream: str) -> OnGlimpse | None:  # noqa: ARG002 - nobody watches
        return None

    def on_glimpse(self, stream: str) -> OnGlimpse | None:  # noqa: ARG002
        return None

    def masker(self, stream: str) -> Masker | None:  # noqa: ARG002
        return Masker(self.secrets) if self.secrets else None

    def hands(self, stream: str) -> HandsPort:
        return RoutedHands(self.way_to_runner(stream), ServerHands(self.servers))

    def way_to_runner(self, stream: str) -> RunnerPort:
        return SmallHands(self, self.runner_of(stream))

    def runner_of(self, stream: str) -> FakeWorld:
        """Return where a session's runners live: each delegate has its own, all others share one."""
        if stream == root_name(stream):
            return self.runner
        return self.delegated.setdefault(stream, FakeWorld(self.runner.answer))

    def workspace(self, settings: Settings, text: str, now_ns: int, place: str = "") -> RecallRecorded:  # noqa: ARG002
        said = f"workspace: {settings.workspace}{''.join(self.secrets)}"
        return RecallRecorded(recall="workspace_context", content=said)

    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:  # noqa: ARG002
        return RecallRecorded(recall="knowledge")

    def folders(self, settings: Settings, paths: tuple[str, ...]) -> RecallRecorded:  # noqa: ARG002
        return RecallRecorded(recall="knowledge", content=f"rules of {', '.join(paths)}", sources=paths)

    def skill(self, settings: Settings, name: str) -> SkillLoaded | Failure:  # noqa: ARG002
        return SkillLoaded(content=f"how to {name}", source=f"{name}/SKILL.md")


class SmallHands:
    """A session's way to the runner of a `SmallWorld`."""

    def __init__(self, world: SmallWorld, runners: FakeWorld | None = None) -> None:
        self._world, self._runners = world, runners or world.runner
        self._runner: FakeRunner | None = None

    def connect(
        self, settings: Settings, *, epoch: int, incarnation: str
    ) -> RuntimeConnected | RuntimeFailed:
        world = self._world
        if world.launches_fail:
            world.launches_fail -= 1
            return RuntimeFailed(reason="no sandbox works here")
        try:
            living = self._runners.connect(epoch=epoch)
            self._runner = living or self._runners.launch(epoch=epoch, incarnation=incarnation)
        except (LaunchFailed, RunnerRefused) as error:
            return RuntimeFailed(reason=str(error))
        return RuntimeConnected(
            incarnation=self._runner.incarnation,
            sandbox=settings.sandbox,
            epoch=epoch,
            resumed=living is not None,
            found=world.found_by(settings),
        )

    def execute(
        self,
        key: str,
        digest: str,
        action: Action,
        *,
        started_in: str,
        on_glimpse: OnGlimpse | None = None,
    ) -> Observation:
        if self._runner is None:
            raise HandsLost("not connected")
        try:
            return self._runner.collect_or_execute(key, digest, action, started_in, on_glimpse=on_glimpse)
        except (RunnerLost, RunnerRefused) as error:
            raise HandsLost(str(error)) from error

    def prepare(self, key: str, settings: Settings) -> Prepared:
        self._check()
        world, self._world.repository = self._world, settings.repository
        return Prepared(ok=True, detail=f"cloned {settings.repository} by {key}", found=world.found)

    def _check(self) -> None:
        """Raise `HandsLost` where no runner could do anything."""
        if self._runner is None:
            raise HandsLost("not connected")
        if self._runner.over is not None:
            raise HandsLost(str(self._runner.over))

    def acknowledge(self, key: str) -> None:
        self._quietly("acknowledge", key)

    def interrupt(self, key: str) -> None:
        self._quietly("interrupt", key)

    def end(self) -> None:
        try:
            runner = self._runner or self._runners.connect(epoch=_LAST_EPOCH)
            if runner is not None:
                runner.end()
        except (RunnerLost, RunnerRefused):
            pass

    def _quietly(self, verb: str, key: str) -> None:
        try:
            if self._runner is not None:
                (self._runner.interrupt if verb == "interrupt" else self._runner.acknowledge)(key)
        except (RunnerLost, RunnerRefused):
            pass  # Who is gone keeps nothing and runs nothing.
