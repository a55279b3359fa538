"""A keeper on this machine, its executor in a sandbox: how `local`, `bubblewrap` and `docker` work."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from refold.actors.runner.launch import confinement_of, launch
from refold.actors.runner.link import RunnerClient, connect
from refold.actors.runner.runner import RunnerSpec
from refold.actors.runtimes.runtime import Reached
from refold.actors.sandboxes.docker import leftovers, remove
from refold.actors.sandboxes.local import WARNING
from refold.actors.sandboxes.sandbox import Sandbox, refusal


class Kept:
    """Keeps `Runtime` with a sandbox: give it one of your own, and you have a runtime of your own."""

    def __init__(self, sandbox: Sandbox | Callable[[], Sandbox]) -> None:
        self._given = sandbox

    @property
    def sandbox(self) -> Sandbox:
        return self._given() if callable(self._given) else self._given

    @property
    def isolated(self) -> bool:
        return self.sandbox.isolated

    def unavailable(self) -> str | None:
        return self.sandbox.unavailable()

    def refusal(self, spec: RunnerSpec) -> str | None:
        return refusal(self.sandbox, confinement_of(spec))

    def find(self, spec: RunnerSpec) -> Reached | None:
        client = connect(
            spec.directory,
            spec.epoch,
            secrets=spec.secrets,
            hung_after_s=spec.settings.hung_after_s,
        )
        return None if client is None else self._reached(spec, client)

    def launch(self, spec: RunnerSpec) -> Reached:
        return self._reached(spec, launch(spec, self.sandbox))

    def is_alive(self, spec: RunnerSpec) -> bool:
        return is_served(spec.directory)

    def clear(self, spec: RunnerSpec) -> None:
        del spec  # A keeper takes everything with it.

    def _reached(self, spec: RunnerSpec, client: RunnerClient) -> Reached:
        sandbox = self.sandbox
        return Reached(
            client,
            workspace=sandbox.workspace(confinement_of(spec)),
            notice="" if sandbox.isolated else WARNING,
        )


class Contained(Kept):
    """In a container, which somebody else's daemon runs: it can outlive a keeper that was killed."""

    def launch(self, spec: RunnerSpec) -> Reached:
        if not super().is_alive(spec):
            remove(leftovers(spec.scope))
        return super().launch(spec)

    def is_alive(self, spec: RunnerSpec) -> bool:
        return super().is_alive(spec) or bool(leftovers(spec.scope))

    def clear(self, spec: RunnerSpec) -> None:
        if not super().is_alive(spec):
            remove(leftovers(spec.scope))


def is_served(directory: Path) -> bool:
    """Whether a keeper holds the lock of `directory`."""
    try:
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(lock)
    return False
