"""What a security analyzer is: it looks at an action before anything is decided about it, and says its risk.

Advice, not a boundary: the sandbox is that. An analyzer decides nothing and touches nothing.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from refold.eventlog.actions import Action
from refold.eventlog.risk import Assessment
from refold.eventlog.settings import Settings


class Surroundings(Struct, frozen=True, kw_only=True):
    """Where an action would be carried out: `workspace` as the agent sees it, `directory` where its shell is.

    `before` are the actions that the same answer wants first, in order.
    """

    workspace: str
    directory: str
    sandbox: str = ""
    network: bool = False
    before: tuple[Action, ...] = ()


class Analyzer(Protocol):
    """Assesses one action at a time, from several threads; `analyzer` of what it returns is filled in.

    What it raises, and what it takes too long for, counts as `unknown`.
    """

    def assess(self, action: Action, surroundings: Surroundings) -> Assessment: ...


class AnalyzerUnknown(LookupError):
    """No analyzer of that name can be had here; the message says why, and what there is."""


class Analysts(Protocol):
    """Where the controller has actions assessed: the analyzer that the settings name."""

    def missing(self, settings: Settings) -> str | None:
        """Return why the analyzer in force cannot be had here; None if it can."""
        ...

    def assess(
        self, settings: Settings, wanted: Sequence[Action | None], directory: str
    ) -> tuple[Assessment | None, ...]:
        """Return one assessment for each action, None for what is none. `directory` is "" at first."""
        ...
