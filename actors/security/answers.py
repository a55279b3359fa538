"""Assessing what an answer wants: one assessment for each of its calls, whatever the analyzer does."""

from collections.abc import Sequence

from refold.actors.security.port import Analysts
from refold.actors.tools.toolbox import Proposal, Refusal
from refold.eventlog.actions import Action
from refold.eventlog.risk import Assessment
from refold.eventlog.settings import Settings


def assess_answer(
    analysts: Analysts, settings: Settings, read: Sequence[Proposal | Refusal], directory: str
) -> tuple[Assessment | None, ...]:
    """Return the assessments of what an answer was read as, in its order; none if nobody is asked.

    They are named by their place, so that masking a call's text cannot move one to another call.
    """
    wanted = [each.action if isinstance(each, Proposal) else None for each in read]
    return assess_all(analysts, settings, wanted, directory)


def assess_all(
    analysts: Analysts, settings: Settings, wanted: Sequence[Action | None], directory: str
) -> tuple[Assessment | None, ...]:
    """Assess; an analyzer that fails as a whole knows nothing about any of them."""
    if settings.analyzer_in_force == "none":
        return ()
    try:
        return analysts.assess(settings, wanted, directory)
    except Exception as error:  # noqa: BLE001 - it is somebody's code, and its failure is a fact
        failed = failure(settings.analyzer_in_force, error)
        return tuple(None if action is None else failed for action in wanted)


def failure(analyzer: str, error: BaseException) -> Assessment:
    said = f"the analyzer failed: {type(error).__name__}: {error}"
    return Assessment(risk="unknown", reason=said[:500], analyzer=analyzer)
