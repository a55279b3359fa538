"""A session's way to its runner: finds the living one or launches another; actions happen at most once."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from refold.actors.runner.client import RunnerClient, connect
from refold.actors.runner.launch import launch
from refold.actors.runner.runner import LEASE_S, LaunchFailed, RunnerLost, RunnerRefused, RunnerSpec
from refold.actors.runtime.port import HandsLost
from refold.eventlog.actions import Action
from refold.eventlog.events import RuntimeConnected, RuntimeFailed
from refold.eventlog.observations import Observation
from refold.eventlog.settings import Settings

_LAST_EPOCH = 2**62
"""Whoever comes to end a runner comes after every driver."""


class RunnerHands:
    """Keeps the `HandsPort` with a real runner in `directory`. Safe to use from several threads.

    `secrets` returns the values that commands find under these names, and that nothing else may show.
    """

    def __init__(
        self,
        session: str,
        directory: Path,
        *,
        lease_s: float = LEASE_S,
        hidden: tuple[Path, ...] = (),
        secrets: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._session, self._directory, self._lease_s, self._hidden = session, directory, lease_s, hidden
        self._secrets = secrets
        self._lock = threading.Lock()
        self._launching = threading.Lock()  # whoever ends the runner waits for one that is just coming up
        self._client: RunnerClient | None = None

    def connect(
        self, settings: Settings, *, epoch: int, incarnation: str
    ) -> RuntimeConnected | RuntimeFailed:
        with self._launching:
            try:
                living = connect(self._directory, epoch, secrets=tuple(self._secrets().values()))
                client = living or launch(self._spec(settings, epoch, incarnation))
            except (LaunchFailed, RunnerRefused, RunnerLost, OSError) as error:
                return RuntimeFailed(reason=str(error))
            with self._lock:
                self._client = client
        return RuntimeConnected(
            incarnation=client.incarnation,
            sandbox=settings.sandbox,
            epoch=epoch,
            resumed=living is not None,
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

    def acknowledge(self, key: str) -> None:
        self._quietly(lambda client: client.acknowledge(key))

    def interrupt(self, key: str) -> None:
        self._quietly(lambda client: client.interrupt(key))

    def is_alive(self) -> bool:
        """Whether a runner serves the session's folder, connected here or not."""
        try:
            lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(lock)
        return False

    def end(self) -> None:
        """End the runner and everything it started; also one that this process never connected to."""
        with self._launching, self._lock:
            client, self._client = self._client, None
        try:
            client = client or connect(self._directory, _LAST_EPOCH)
            if client is not None:
                client.end()
        except (RunnerLost, RunnerRefused, OSError):
            pass  # It is gone already.

    def close(self) -> None:
        """Let go of the runner; it goes on for its lease."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> RunnerClient:
        with self._lock:
            if self._client is None:
                raise HandsLost("no runner is connected")
            return self._client

    def _quietly(self, act: Callable[[RunnerClient], None]) -> None:
        # A runner that is gone holds nothing back; what it kept dies with its lease.
        with contextlib.suppress(HandsLost, RunnerLost, RunnerRefused, OSError):
            act(self._connected())

    def _spec(self, settings: Settings, epoch: int, incarnation: str) -> RunnerSpec:
        return RunnerSpec(
            session=self._session,
            directory=self._directory,
            workspace=Path(settings.workspace),
            sandbox=settings.sandbox,
            network=settings.network,
            epoch=epoch,
            incarnation=incarnation,
            action_timeout_s=settings.action_timeout_s,
            silence_timeout_s=settings.silence_timeout_s,
            lease_s=self._lease_s,
            hidden=self._hidden,
            secrets=self._secrets(),
        )
