"""Analyzers by name: ours, and a user's own by dotted path."""

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from refold.actors.security.guarded import Guarded
from refold.actors.security.names import no_analyzer
from refold.actors.security.port import Analyzer, AnalyzerUnknown, Surroundings
from refold.eventlog.actions import Action
from refold.eventlog.risk import Assessment
from refold.eventlog.settings import Settings

WORKSPACE_INSIDE = "/workspace"
"""Where a sandbox of its own shows the workspace."""


def _rules() -> Analyzer:
    from refold.actors.security.rules import Rules  # noqa: PLC0415 - loads the parser

    return Rules()


def _model() -> Analyzer:
    from refold.actors.security.estimate import ModelEstimate  # noqa: PLC0415

    return ModelEstimate()


ANALYZERS: dict[str, Callable[[], Analyzer]] = {"rules": _rules, "model": _model}
"""What makes each analyzer of ours; a plug-in adds its own."""


def open_analyzer(name: str) -> Analyzer:
    """Return the analyzer of this name; raises `AnalyzerUnknown`."""
    if name in ANALYZERS:
        return ANALYZERS[name]()
    if reason := no_analyzer(name):
        raise AnalyzerUnknown(reason)
    module, _, attribute = name.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # Where whoever asks keeps the analyzer, and what it imports.
    try:
        found: object = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
        if isinstance(found, type) or not hasattr(found, "assess"):
            found = cast("Callable[[], object]", found)()
    except Exception as error:
        raise AnalyzerUnknown(
            f"the security analyzer {name!r} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not callable(getattr(found, "assess", None)):
        raise AnalyzerUnknown(f"the security analyzer {name!r} is none: it has no `assess`")
    return cast("Analyzer", found)


def check_analyzer(settings: Settings) -> None:
    """Raise `AnalyzerUnknown` if the analyzer in force cannot be had here."""
    if settings.analyzer_in_force != "none":
        open_analyzer(settings.analyzer_in_force)


class RealAnalysts:
    """The analyzers of this process, each opened once and asked with a time limit."""

    def __init__(self) -> None:
        self._open: dict[str, Guarded] = {}

    def missing(self, settings: Settings) -> str | None:
        try:
            check_analyzer(settings)
        except AnalyzerUnknown as unknown:
            return str(unknown)
        return None

    def assess(
        self, settings: Settings, wanted: Sequence[Action | None], directory: str
    ) -> tuple[Assessment | None, ...]:
        name = settings.analyzer_in_force
        if name not in self._open:
            self._open[name] = Guarded(name, open_analyzer(name))
        workspace = WORKSPACE_INSIDE if settings.sandbox == "bubblewrap" else settings.workspace
        surroundings = Surroundings(
            workspace=workspace,
            directory=directory or workspace,
            sandbox=settings.sandbox,
            network=settings.network or settings.sandbox == "local",
        )
        return self._open[name].assess(wanted, surroundings)
