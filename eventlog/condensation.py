"""The facts of forgetting: what a model is no longer shown, and why. The log itself is never shortened."""

from refold.eventlog.condensers import EXCERPT_CHARACTERS_MAX, CondensingReason
from refold.eventlog.fact import Fact

# Condensing -------------------------------------------------------------------------------------------


class _Forgetting(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What is chosen to be forgotten: pieces of a conversation, named by where they begin."""

    condenser: str
    reason: CondensingReason
    step: int
    """The iteration that it counts as, 1-based."""
    forgotten: tuple[tuple[int, int], ...] = ()
    """Stretches of versions, the last of each in it: what begins there."""
    messages: int = 0
    """How many messages that is."""
    tokens: int = 0
    """The length of the request that was too long, estimated."""
    tokens_forgotten: int = 0


class CondensationAsked(_Forgetting, frozen=True, kw_only=True, omit_defaults=True):
    """A summary of `forgotten` is to be had of a model; until it is there, nothing is forgotten.

    `model` is the name of the one that is to write it, None for the one that settings choose for condensing.
    """

    model: str | None = None
    excerpt_characters_max: int = EXCERPT_CHARACTERS_MAX


class Condensed(_Forgetting, frozen=True, kw_only=True, omit_defaults=True):
    """From here on a model is shown `summary` in place of `forgotten`; of turns in `masked`, no results."""

    masked: tuple[tuple[int, int], ...] = ()
    summary: str = ""


class CondensationFailed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Nothing was forgotten: there was nothing left to forget, or no summary could be had."""

    reason: str
