"""What a driver may ask of a runner, and how it can go wrong.

A runner carries out actions, each at most once: whoever asks names the action by a key and vouches for it by
a digest. `RunnerClient` speaks to the real one, `FakeRunner` is a world that counts; `RunnerContract` proves
both.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from msgspec import Struct

from refold.actors.runtime.port import Prepared
from refold.eventlog.actions import Action
from refold.eventlog.observations import Observation
from refold.eventlog.runtime_settings import LEASE_S, RuntimeSettings
from refold.eventlog.settings import ACTION_TIMEOUT_S, SILENCE_TIMEOUT_S

type OnGlimpse = Callable[[str], None]
type KeyState = Literal["unknown", "accepted", "running", "acknowledged"]


class RunnerSpec(Struct, frozen=True, kw_only=True):
    """Everything that a launch needs.

    `directory` is the runner's own folder (journal, lock, log), `environment` is added to the little that the
    sandbox begins with, `hidden` are folders that must not be seen from inside (the home, for one). `scope`
    names the session among all those of all homes; `driver` is the environment in which we look for tokens.
    `secrets` are added to the environment as well; the keeper lets none of their values out.
    """

    session: str
    directory: Path
    workspace: Path
    sandbox: str
    epoch: int
    incarnation: str
    network: bool = False
    environment: Mapping[str, str] = {}
    action_timeout_s: float = ACTION_TIMEOUT_S
    silence_timeout_s: float = SILENCE_TIMEOUT_S
    lease_s: float = LEASE_S
    hidden: tuple[Path, ...] = ()
    secrets: Mapping[str, str] = {}
    settings: RuntimeSettings = RuntimeSettings()
    scope: str = ""
    driver: Mapping[str, str] = {}


class RunnerError(Exception):
    """Something about a runner; its subclasses say what."""


class RunnerLost(RunnerError):
    """The keeper is gone or hung up: what was running may or may not have happened."""


class RunnerRefused(RunnerError):
    """The keeper will not do it: another epoch drives, or the key is known otherwise. Nothing was run."""


class LaunchFailed(RunnerError):
    """No runner came up; the message says why, in words that a person can act on. Nothing stays behind."""


class Runner(Protocol):
    """Carries out actions one after the other. Safe to use from several threads."""

    @property
    def incarnation(self) -> str:
        """The id of this launch."""
        ...

    @property
    def found(self) -> tuple[str, ...]:
        """Scripts in the workspace that a start heeds, as they were when it was connected to."""
        ...

    def prepare(self, key: str, repository: dict[str, Any]) -> Prepared:
        """Have a repository in the workspace, whole or not at all; `git.request` says what it is told.

        Raises `RunnerLost`, `RunnerRefused`.
        """
        ...

    def execute(
        self, key: str, digest: str, action: Action, *, on_glimpse: OnGlimpse | None = None
    ) -> Observation:
        """Return the action's result: run it, wait for it, or collect it, but never run a known key again.

        `on_glimpse` is called with live output, from another thread; some of it may be left out. Raises
        `RunnerLost`, `RunnerRefused`.
        """
        ...

    def collect_or_execute(
        self,
        key: str,
        digest: str,
        action: Action,
        started_incarnation: str,
        *,
        on_glimpse: OnGlimpse | None = None,
    ) -> Observation:
        """Answer an action that the log says was started, after a crash of whoever started it.

        It may have been started in `started_incarnation` and in no other; what cannot be known any more is
        `OutcomeUnknown`.
        """
        ...

    def ask(self, key: str) -> KeyState | Observation:
        """Return the result that waits to be collected, else what is known of the key."""
        ...

    def acknowledge(self, key: str) -> None:
        """Let the runner forget a result: it is in the log now. The key itself stays known."""
        ...

    def interrupt(self, key: str) -> None:
        """End what runs in the foreground, first by asking; its own answer says so. Returns at once."""
        ...

    def end(self) -> None:
        """End the runner and every command; return when they are gone."""
        ...

    def close(self) -> None:
        """Let go of the runner and leave it running."""
        ...
