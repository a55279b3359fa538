"""The real world behind the ports of sessions: models, memory's sources, runners."""

import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from refold.actors.memory.sources import WorkspaceSources
from refold.actors.models.port import Model, ModelUnavailable
from refold.actors.models.port import OnGlimpse as OnText
from refold.actors.models.prices import price_of
from refold.actors.models.registry import open_model
from refold.actors.runner.hands import RunnerHands
from refold.actors.runner.masker import MaskedStream, Masker
from refold.actors.runner.place import PlaceUnsafe
from refold.actors.runner.runner import LaunchFailed
from refold.actors.runtimes.registry import RuntimeUnknown, runtime
from refold.actors.security.port import AnalyzerUnknown
from refold.actors.security.registry import RealAnalysts, check_analyzer
from refold.actors.servers.client import McpServers
from refold.actors.servers.hands import ServerHands
from refold.actors.servers.routed import RoutedHands
from refold.agents import delegated_models
from refold.beginning import check_servers
from refold.errors import WrongUsage
from refold.eventlog.condensers import Summary, each
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.settings import Price, Settings, for_summary
from refold.home import Home
from refold.projections.request import Request
from refold.secrets import Secrets
from refold.sound import check_fields

type Glimpse = Callable[[str, str, str], None]
"""Shown while it happens: the session, what it is of (`model` or `command`), and a piece of text."""


class RealEdges:
    """Everything that a driving process touches outside its log."""

    def __init__(
        self,
        home: Home,
        *,
        scope: str = "",
        environment: Mapping[str, str] | None = None,
        on_glimpse: Glimpse | None = None,
    ) -> None:
        self._home, self._scope = home, scope
        self.environment = dict(os.environ if environment is None else environment)
        self.secrets = Secrets(self.environment)
        self._glimpse = on_glimpse
        self._models: dict[tuple[str, str | None, Price | None, str | None], Model] = {}
        self._runners: dict[str, RunnerHands] = {}
        self._servers: dict[str, ServerHands] = {}
        self._lock = threading.Lock()
        """Guards both: sessions and their delegates ask for hands on threads of their own."""
        self.sources = WorkspaceSources(users_skills(self.environment))
        self.analysts = RealAnalysts()

    @property
    def models(self) -> "RealEdges":
        return self

    def check(self, settings: Settings) -> None:
        """Raise `WrongUsage` if a model in force could not be asked, or actions not be assessed."""
        check_fields(settings)
        try:
            if settings.model is not None:
                self._open(settings)
                for one in each(settings.condenser):
                    if isinstance(one, Summary):
                        self._open(for_summary(settings, one.model))
            for delegated in delegated_models(settings):
                self._open(delegated)
            check_analyzer(settings)
        except (ModelUnavailable, AnalyzerUnknown) as error:
            raise WrongUsage(str(error)) from error
        check_servers(settings.mcp, self.environment)

    def model(self, settings: Settings) -> Model:
        try:
            return self._open(settings)
        except ModelUnavailable as error:
            return _Unavailable(str(error))

    def price(self, settings: Settings) -> Price | None:
        return settings.price or (None if settings.model is None else price_of(settings.model))

    def masker(self, stream: str) -> Masker | None:
        return self.secrets.masker(stream)

    def glimpses(self, stream: str) -> OnText | None:
        return self._shown(stream, "model")

    def on_glimpse(self, stream: str) -> Callable[[str], None] | None:
        return self._shown(stream, "command")

    def hands(self, stream: str) -> RoutedHands:
        with self._lock:
            if stream not in self._runners:
                self._runners[stream] = RunnerHands(
                    stream,
                    self._home.runner(stream),
                    scope=f"{self._scope}/{stream}",
                    environment=self.environment,
                    hidden=self._home.hidden,
                    secrets=partial(self.secrets.values, stream),
                )
                self._servers[stream] = ServerHands(McpServers(self.environment))
            return RoutedHands(self._runners[stream], self._servers[stream])

    def let_go(self, stream: str, *, epoch: int, end_runner: bool) -> None:
        """End the servers of tools, of delegates too, and the runner or only the connection to it."""
        self.hands(stream)  # A runner may be there that this process never connected to.
        with self._lock:
            names = [stream, *(name for name in self._runners if name.startswith(f"{stream}~"))]
            runner, *below = [self._runners[name] for name in names]
            servers = [self._servers[name] for name in names]
        for server in servers:
            server.close()
        runner.bar(epoch)
        if end_runner:
            for one in below:
                one.end()  # Also one that came up while its delegate was already ending.
            runner.end()
        else:
            runner.close()

    def check_runtime(self, stream: str, settings: Settings) -> None:
        """Raise `WrongUsage` if commands cannot be run here as these settings say."""
        try:
            way = runtime(settings.sandbox)
            self.hands(stream)
            spec = self._runners[stream].spec(settings, 1, "")
            reason = way.unavailable() or way.refusal(spec)
        except (RuntimeUnknown, LaunchFailed, PlaceUnsafe) as error:
            raise WrongUsage(str(error)) from error
        if reason is not None:
            raise WrongUsage(f"sandbox {settings.sandbox}: {reason}")

    def _shown(self, stream: str, what: str) -> Callable[[str], None] | None:
        """Return who is shown a text while it arrives, without secrets."""
        if self._glimpse is None:
            return None
        show, masker = partial(self._glimpse, stream, what), self.masker(stream)
        if masker is None:
            return show
        masked = MaskedStream(masker)

        def feed(piece: str) -> None:
            if text := masked.feed(piece):
                show(text)

        return feed

    def _open(self, settings: Settings) -> Model:
        key = str(settings.model), settings.base_url, settings.price, settings.key_env
        if key not in self._models:
            self._models[key] = open_model(
                key[0],
                base_url=settings.base_url,
                price=self.price(settings),
                environment=self.environment,
                key_env=settings.key_env,
            )
        return self._models[key]


def users_skills(environment: Mapping[str, str]) -> Path:
    """Return the folder of the skills that the user has for every workspace: `$REFOLD_SKILLS` names it."""
    if named := environment.get("REFOLD_SKILLS"):
        return Path(named).expanduser()
    configuration = environment.get("XDG_CONFIG_HOME")
    return (Path(configuration) if configuration else Path.home() / ".config") / "refold" / "skills"


class _Unavailable:
    """A model that cannot be asked here: its failure is a fact like any other."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def ask(
        self,
        request: Request,  # noqa: ARG002 - nothing is asked
        *,
        script_line: int = 0,  # noqa: ARG002
        on_glimpse: OnText | None = None,  # noqa: ARG002
    ) -> ModelAnswered | ModelFailed:
        return ModelFailed(fault="not_found", message=self._reason)
