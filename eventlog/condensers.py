"""How a session forgets when its conversation grows too long for its model."""

from typing import Literal

from msgspec import Struct

type CondensingReason = Literal["size", "context_window"]
"""The conversation is longer than was asked for, or the model said that it does not take so much."""

KEEP_FIRST = 1
SUMMARY_MESSAGES_MAX = 200
EXCERPT_CHARACTERS_MAX = 10_000
MASKING_WINDOW = 100


class NoCondenser(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="none", tag_field="type"):
    """Nothing is forgotten: where the model's context window is full, the session ends in error."""


class _Bounded(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Condenses to half of `messages_max` or `tokens_max` (estimated) once a request is longer than that.

    Where neither is given, only once the model says that its context window is full. The first `keep_first`
    pieces stay: a piece is a message with what was recalled for it, or a turn of the agent with its results.
    """

    keep_first: int = KEEP_FIRST
    messages_max: int | None = None
    tokens_max: int | None = None


class RecentWindow(_Bounded, frozen=True, kw_only=True, omit_defaults=True, tag="recent"):
    """What stands between the first pieces and the recent ones is forgotten, and a note says so."""


class Summary(_Bounded, frozen=True, kw_only=True, omit_defaults=True, tag="summary"):
    """What stands between the first pieces and the recent ones is replaced by a summary of it.

    `model` writes it: a name among the settings' models, or a provider's own; None for the one that the
    settings choose for condensing. Of each message it is shown `excerpt_characters_max` at most.
    """

    messages_max: int | None = SUMMARY_MESSAGES_MAX
    model: str | None = None
    excerpt_characters_max: int = EXCERPT_CHARACTERS_MAX


class ObservationMasking(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag="masking", tag_field="type"
):
    """Results of tools are left out except for the last `window`, once there are half as many again.

    Also when the model's context window is full: then as many of the older ones as it takes.
    """

    window: int = MASKING_WINDOW


type OneCondenser = NoCondenser | RecentWindow | Summary | ObservationMasking


class Pipeline(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="pipeline", tag_field="type"):
    """The first of `condensers` that is up, and finds something to forget, does."""

    condensers: tuple[OneCondenser, ...]


type Condenser = OneCondenser | Pipeline

DEFAULT = RecentWindow()
"""Forgets nothing until the model says that its window is full, and costs no call of a model."""


def each(condenser: Condenser) -> tuple[OneCondenser, ...]:
    """Return the condensers in the order in which they are tried, without those that do nothing."""
    all_ = condenser.condensers if isinstance(condenser, Pipeline) else (condenser,)
    return tuple(one for one in all_ if not isinstance(one, NoCondenser))


def kind(condenser: OneCondenser) -> str:
    """Return what a condenser is called in the settings and in the log."""
    return str(condenser.__struct_config__.tag)


def complaint(condenser: Condenser) -> str | None:
    """Return what keeps a condenser from ever doing its work, in words for whoever configured it."""
    if isinstance(condenser, Pipeline) and not each(condenser):
        return "the condenser `pipeline` has no condensers in it: name at least one, or use type `none`"
    return next((wrong for one in each(condenser) if (wrong := _complaint(one)) is not None), None)


def _complaint(condenser: OneCondenser) -> str | None:
    match condenser:
        case NoCondenser():
            return None
        case ObservationMasking(window=window):
            if window < 1:
                return f"the condenser `masking` has window = {window}; it must be at least 1"
            return None
        case RecentWindow() | Summary():
            return _bounds(condenser)


def _bounds(condenser: RecentWindow | Summary) -> str | None:
    name = f"the condenser `{kind(condenser)}`"
    keep, messages, tokens = condenser.keep_first, condenser.messages_max, condenser.tokens_max
    if keep < 1:
        return f"{name} has keep_first = {keep}; it must be at least 1, the user's first message"
    if messages is not None and keep >= messages // 2:
        return (
            f"{name} has keep_first = {keep} and messages_max = {messages}, which leaves no room: "
            f"keep_first must be less than half of messages_max, here at most {max(messages // 2 - 1, 0)}"
        )
    if tokens is not None and tokens < 1:
        return f"{name} has tokens_max = {tokens}; it must be at least 1"
    if isinstance(condenser, Summary) and condenser.excerpt_characters_max < 1:
        return (
            f"{name} has excerpt_characters_max = {condenser.excerpt_characters_max}; it must be at least 1"
        )
    return None
