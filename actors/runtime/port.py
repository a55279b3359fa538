"""The world as a runtime sees it: somebody who finds or launches a runner; actions happen at most once."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from refold.eventlog.actions import Action
from refold.eventlog.events import RuntimeConnected, RuntimeFailed, ToolsListed
from refold.eventlog.observations import Observation, OutcomeUnknown
from refold.eventlog.settings import Settings

UNKNOWN = OutcomeUnknown(
    content="Outcome unknown: the runner was lost while this action was under way. It may have taken effect "
    "in full, in part or not at all, and it will not be run again. Look before you repeat it."
)
"""The observation of every action of which nobody can tell what became of it."""


def driver_incarnation(epoch: int) -> str:
    """Return what an action is started in that the driver itself carries out: it ends with its claim."""
    return f"driver/{epoch}"


class Listing(Struct, frozen=True):
    """What the servers of tools offer, and a warning for each that could not be asked."""

    fact: ToolsListed
    warnings: tuple[str, ...] = ()


class HandsLost(Exception):
    """The runner went away while it was asked; what it was doing is not known here."""


class Prepared(Struct, frozen=True, kw_only=True):
    """What became of the repository: `detail` says where it came from, or why it did not, for a person."""

    ok: bool
    detail: str
    found: tuple[str, ...] = ()
    """Scripts in the workspace that a start heeds."""


class RunnerPort(Protocol):
    """One session's way to its runner. Every call may block, and is made on a worker thread."""

    def connect(
        self, settings: Settings, *, epoch: int, incarnation: str
    ) -> RuntimeConnected | RuntimeFailed:
        """Find the living runner, or launch one that is then called `incarnation`. Never raises."""
        ...

    def execute(
        self,
        key: str,
        digest: str,
        action: Action,
        *,
        started_in: str,
        on_glimpse: Callable[[str], None] | None = None,
    ) -> Observation:
        """Carry out `action`, or collect what came of it; `OutcomeUnknown` where nobody can tell.

        A key is never carried out twice, and never under another digest. Raises `HandsLost`.
        """
        ...

    def prepare(self, key: str, settings: Settings) -> Prepared:
        """Have the repository that the settings name in the workspace, whole or not at all.

        Where it is already, nothing is done. Raises `HandsLost`.
        """
        ...

    def acknowledge(self, key: str) -> None:
        """Let the runner forget the result: the observation is in the log. Never raises."""
        ...

    def interrupt(self, key: str) -> None:
        """Nobody waits for this action any more. Never raises."""
        ...

    def end(self) -> None:
        """End the runner and all it started, also one that was never connected to. Never raises."""
        ...


class HandsPort(RunnerPort, Protocol):
    """One session's way to the world: its runner, and the servers of tools that its settings name."""

    def find_tools(self, settings: Settings) -> Listing:
        """Ask every server what it offers. May block; never raises."""
        ...


type OnGlimpse = Callable[[str], None]
