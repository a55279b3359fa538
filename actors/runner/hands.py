"""A session's way to its runner: finds the living one or launches another; actions happen at most once."""

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from refold.actors.runner import git
from refold.actors.runner.place import PlaceUnsafe
from refold.actors.runner.runner import (
    LaunchFailed,
    Runner,
    RunnerLost,
    RunnerRefused,
    RunnerSpec,
)
from refold.actors.runtime.port import HandsLost, Prepared
from refold.actors.runtimes.registry import RuntimeUnknown, runtime
from refold.eventlog.actions import Action
from refold.eventlog.events import RuntimeConnected, RuntimeFailed
from refold.eventlog.observations import Observation
from refold.eventlog.settings import Settings

_LAST_EPOCH = 2**62
"""Whoever comes to end a runner comes after every driver."""


class RunnerHands:
    """Keeps the `HandsPort` with the runtime that the settings name. Safe to use from several threads.

    `directory` is the session's own; `scope` names the session among all those of all homes. `environment` is
    the driver's, where tokens and the variables that settings name are looked up;
    `secrets` returns the values that commands find under these names, and that nothing else may show.
    """

    def __init__(  # noqa: PLR0913 - all that a runner is told of its session
        self,
        session: str,
        directory: Path,
        *,
        scope: str = "",
        environment: Mapping[str, str] | None = None,
        hidden: tuple[Path, ...] = (),
        secrets: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._session, self._directory, self._hidden = session, directory, hidden
        self._scope = scope or session
        self._environment = os.environ if environment is None else environment
        self._secrets = secrets
        self._barred = -1
        self._lock = threading.Lock()
        self._launching = threading.Lock()  # whoever ends the runner waits for one that is just coming up
        self._client: Runner | None = None

    def connect(
        self, settings: Settings, *, epoch: int, incarnation: str
    ) -> RuntimeConnected | RuntimeFailed:
        with self._launching:
            if epoch <= self._barred:
                return RuntimeFailed(reason="the session was let go before its runner was launched")
            try:
                way = runtime(settings.sandbox)
                spec = self.spec(settings, epoch, incarnation)
                self._note(settings)
                found = way.find(spec)
                reached = found or way.launch(spec)
            except (LaunchFailed, RunnerRefused, RunnerLost, RuntimeUnknown, PlaceUnsafe, OSError) as error:
                return RuntimeFailed(reason=str(error))
            with self._lock:
                before, self._client = self._client, reached.runner
            if before is not None:
                before.close()
        return RuntimeConnected(
            incarnation=reached.runner.incarnation,
            sandbox=settings.sandbox,
            epoch=epoch,
            resumed=found is not None,
            workspace=reached.workspace,
            notice=reached.notice,
            found=reached.runner.found,
        )

    def execute(
        self,
        key: str,
        digest: str,
        action: Action,
        *,
        started_in: str,
        on_glimpse: Callable[[str], None] | None = None,
    ) -> Observation:
        client = self._connected()
        try:
            return client.collect_or_execute(key, digest, action, started_in, on_glimpse=on_glimpse)
        except (RunnerLost, RunnerRefused, OSError) as error:
            raise HandsLost(str(error)) from error

    def prepare(self, key: str, settings: Settings) -> Prepared:
        try:
            return self._connected().prepare(key, git.request(settings, self._secrets()))
        except (RunnerLost, RunnerRefused, OSError) as error:
            raise HandsLost(str(error)) from error

    def bar(self, epoch: int) -> None:
        """Launch and find nothing more for the drive of this epoch: it is over, and may not have heard."""
        with self._launching:
            self._barred = max(self._barred, epoch)

    def acknowledge(self, key: str) -> None:
        self._quietly(lambda client: client.acknowledge(key))

    def interrupt(self, key: str) -> None:
        self._quietly(lambda client: client.interrupt(key))

    def is_alive(self) -> bool:
        """Whether a runner of the session lives, or anything that one left. Raises `RunnerLost`."""
        settings = self._noted()
        return settings is not None and runtime(settings.sandbox).is_alive(self._last(settings))

    def server(self) -> str | None:
        """Return the address of the server that the session's runner is behind; None for a runner here."""
        settings = self._noted()
        if settings is None or settings.sandbox != "remote":
            return None
        return settings.runtime.remote.address

    def end(self) -> None:
        """End the runner and everything it started; also one that this process never connected to."""
        with self._launching, self._lock:
            client, self._client = self._client, None
        with contextlib.suppress(LaunchFailed, RunnerLost, RunnerRefused, RuntimeUnknown, OSError):
            settings = self._noted()
            if client is None and settings is not None:
                found = runtime(settings.sandbox).find(self._last(settings))
                client = None if found is None else found.runner
            if client is not None:
                client.end()
            if settings is not None:
                runtime(settings.sandbox).clear(self._last(settings))

    def close(self) -> None:
        """Let go of the runner; it goes on for its lease."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> Runner:
        with self._lock:
            if self._client is None:
                raise HandsLost("no runner is connected")
            return self._client

    def _quietly(self, act: Callable[[Runner], None]) -> None:
        # A runner that is gone holds nothing back; what it kept dies with its lease.
        with contextlib.suppress(HandsLost, RunnerLost, RunnerRefused, OSError):
            act(self._connected())

    def spec(self, settings: Settings, epoch: int, incarnation: str) -> RunnerSpec:
        """Return what a runner is told. Raises `LaunchFailed` where a variable is missing."""
        missing = [name for name in settings.runtime.variables_from if name not in self._environment]
        if missing:
            raise LaunchFailed(
                f"commands are to have {', '.join(missing)} from the environment, where it is not set; "
                "set it, or take it out of runtime.variables_from"
            )
        given = {name: self._environment[name] for name in settings.runtime.variables_from}
        return msgspec.structs.replace(
            self._last(settings),
            epoch=epoch,
            incarnation=incarnation,
            environment={**settings.runtime.variables, **given},
        )

    def _last(self, settings: Settings) -> RunnerSpec:
        """Return what a runner that is to be found or ended is known by."""
        return RunnerSpec(
            session=self._session,
            directory=self._directory,
            workspace=Path(settings.workspace),
            sandbox=settings.sandbox,
            network=settings.network,
            epoch=_LAST_EPOCH,
            incarnation="",
            action_timeout_s=settings.action_timeout_s,
            silence_timeout_s=settings.silence_timeout_s,
            lease_s=settings.runtime.lease_s,
            hidden=self._hidden,
            secrets=self._secrets(),
            settings=settings.runtime,
            scope=self._scope,
            driver=self._environment,
        )

    def _note(self, settings: Settings) -> None:
        """Write down by which settings the runner is found again, for whoever has to end it without a log."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._directory / "settings.new"
        temporary.touch(mode=0o600)
        temporary.write_bytes(msgspec.json.encode(settings))
        temporary.replace(self._directory / "settings.json")

    def _noted(self) -> Settings | None:
        try:
            return msgspec.json.decode((self._directory / "settings.json").read_bytes(), type=Settings)
        except (OSError, msgspec.MsgspecError):
            pass
        # A keeper's folder without it is of an older version, or damaged; the keeper is found all the same.
        return Settings(model=None, workspace=".", sandbox="local") if self._directory.exists() else None
