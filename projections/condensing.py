"""What to forget of a conversation that grew too long: a pure choice, made of whole pieces.

What is never chosen: the system message, the first pieces, the user's first message, and whatever the model
has not answered yet.
"""

from typing import Any

from msgspec import Struct

from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.condensers import (
    Condenser,
    CondensingReason,
    NoCondenser,
    ObservationMasking,
    OneCondenser,
    RecentWindow,
    Summary,
    each,
    kind,
)
from refold.projections.conversation import Conversation
from refold.projections.pieces import Piece, Spans, masked, spans_of
from refold.projections.request import CHARACTERS_PER_TOKEN, Request, estimate_tokens
from refold.projections.wording import cut

SUMMARY_CHARACTERS_MAX = 12_000
SUMMARY_SHARE = 3
"""A summary is cut to a third of what it stands for: so what is condensed gets shorter, whatever it says."""

NOTHING_LEFT = (
    "the model's context window is full, and condensing cannot shrink the conversation further: what is left "
    "is the task, and what the model has not answered yet. `resume --model` goes on with another model"
)
_NOTE_CHARACTERS = 300
"""More than the words take that stand where something was forgotten."""
_SUMMARISED_MIN = 1_000
_WORTH = 4
"""Where a conversation stays too long all the same, a quarter of it must go, or it is not worth a step."""


class Choice(Struct, frozen=True, kw_only=True):
    """What `condenser` would forget: whole pieces, or results in them; `characters` is how much that is."""

    condenser: OneCondenser
    forgotten: Spans = ()
    masked: Spans = ()
    messages: int
    characters: int

    @property
    def tokens(self) -> int:
        return self.characters // CHARACTERS_PER_TOKEN


def is_too_long(condenser: Condenser, conversation: Conversation, request: Request) -> bool:
    """Whether the request, or what it shows, is longer than the settings ask for."""
    return any(_is_up(one, conversation, request) for one in each(condenser))


def choose(
    condenser: Condenser, conversation: Conversation, request: Request, reason: CondensingReason
) -> Choice | None:
    """Return what to forget of `request`, which the conversation would have made; None if nothing can be."""
    for one in each(condenser):
        if reason == "context_window" or _is_up(one, conversation, request):
            choice = _choose(one, conversation, request, reason)
            if choice is not None:
                return choice
    return None


def forgetting(  # noqa: PLR0913 - all that it depends on
    condenser: Condenser,
    conversation: Conversation,
    request: Request,
    *,
    step: int,
    overflowed: bool,
    condensed_before: bool,
) -> CondensationAsked | Condensed | CondensationFailed | None:
    """Return what is to be forgotten before `request` can be sent, as a fact; None if it can be.

    `overflowed` says that the model took no more, `condensed_before` that something was forgotten since it
    was last asked in vain or answered: then its word counts, and no longer the length that settings allow.
    """
    if not each(condenser):
        return None
    if not overflowed and (condensed_before or not is_too_long(condenser, conversation, request)):
        return None
    reason: CondensingReason = "context_window" if overflowed else "size"
    choice = choose(condenser, conversation, request, reason)
    if choice is None:
        return CondensationFailed(reason=NOTHING_LEFT) if overflowed else None
    told: dict[str, Any] = {
        "condenser": kind(choice.condenser),
        "reason": reason,
        "step": step,
        "forgotten": choice.forgotten,
        "messages": choice.messages,
        "tokens": estimate_tokens(request),
        "tokens_forgotten": choice.tokens,
    }
    if isinstance(choice.condenser, Summary):
        one = choice.condenser
        return CondensationAsked(model=one.model, excerpt_characters_max=one.excerpt_characters_max, **told)
    return Condensed(masked=choice.masked, **told)


def summary_cut(text: str, characters_forgotten: int) -> str:
    """Return a summary as it is kept."""
    return cut(text.strip(), min(SUMMARY_CHARACTERS_MAX, characters_forgotten // SUMMARY_SHARE))


def _is_up(one: OneCondenser, conversation: Conversation, request: Request) -> bool:
    match one:
        case NoCondenser():
            return False
        case ObservationMasking(window=window):
            return conversation.results > window + window // 2
        case RecentWindow() | Summary():
            return not _fits(one, len(request.messages), request.characters)


def _fits(one: RecentWindow | Summary, messages: int, characters: int, part: int = 1) -> bool:
    if one.messages_max is not None and messages * part > one.messages_max:
        return False
    return one.tokens_max is None or characters * part <= one.tokens_max * CHARACTERS_PER_TOKEN


def _choose(
    one: OneCondenser, conversation: Conversation, request: Request, reason: CondensingReason
) -> Choice | None:
    match one:
        case NoCondenser():
            return None
        case ObservationMasking():
            return _results(one, conversation, request, reason)
        case RecentWindow() | Summary():
            return _middle(one, conversation, request, reason)


def _middle(
    one: RecentWindow | Summary, conversation: Conversation, request: Request, reason: CondensingReason
) -> Choice | None:
    """Choose the oldest pieces behind the first ones, until half of what is allowed is left."""
    chosen: list[Piece] = []
    messages = characters = 0

    def left() -> tuple[int, int]:
        return len(request.messages) - messages + 1, request.characters - characters + _put(one, characters)

    for piece in conversation.pieces[one.keep_first :]:
        if reason == "size" and _fits(one, *left(), part=2):
            break
        if reason == "context_window" and left()[1] * 2 <= request.characters:
            break
        if piece.version != conversation.first:
            chosen.append(piece)
            messages += len(piece.messages)
            characters += piece.characters
    shortest = _SUMMARISED_MIN if isinstance(one, Summary) else _NOTE_CHARACTERS
    if characters < shortest:
        return None
    gained = request.characters - left()[1]
    if reason == "size" and not _fits(one, *left()) and gained * _WORTH < request.characters:
        return None
    forgotten = spans_of((piece.version for piece in chosen), conversation.versions)
    return Choice(condenser=one, forgotten=forgotten, messages=messages, characters=characters)


def _put(one: RecentWindow | Summary, characters: int) -> int:
    """Return how much will stand in place of so many characters, at most."""
    if isinstance(one, RecentWindow):
        return _NOTE_CHARACTERS
    return _NOTE_CHARACTERS + min(SUMMARY_CHARACTERS_MAX, characters // SUMMARY_SHARE)


def _results(
    one: ObservationMasking, conversation: Conversation, request: Request, reason: CondensingReason
) -> Choice | None:
    """Choose the oldest results: all but the last ones, or as many as make the request half as long."""
    chosen: list[Piece] = []
    results = characters = 0
    for piece in conversation.pieces:
        if reason == "size" and conversation.results - results <= one.window:
            break
        if reason == "context_window" and characters * 2 >= request.characters:
            break
        if piece.results:
            chosen.append(piece)
            results += piece.results
            characters += piece.characters - masked(piece).characters
    if not characters:
        return None
    spans = spans_of((piece.version for piece in chosen), conversation.versions)
    return Choice(condenser=one, masked=spans, messages=results, characters=characters)
