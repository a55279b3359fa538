"""The pieces of a conversation. They are forgotten whole, so that no call is ever left without its result."""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from refold.eventlog.condensation import Condensed
from refold.projections.request import Message
from refold.projections.wording import left_out, no_longer_shown

type Spans = tuple[tuple[int, int], ...]
"""Stretches of versions, the last of each in it."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class Piece(Struct, frozen=True):
    """A message with what was recalled for it, or a turn with its results; `version` is where it begins.

    `results` is how many results of tools in it are shown whole.
    """

    version: int
    messages: tuple[Message, ...]
    characters: int
    results: int = 0


def within(version: int, spans: Spans) -> bool:
    return any(first <= version <= last for first, last in spans)


def spans_of(chosen: Iterable[int], every: Iterable[int]) -> Spans:
    """Return the fewest stretches that hold all `chosen` versions and none of the others in `every`."""
    wanted = set(chosen)
    spans: list[tuple[int, int]] = []
    together = False
    for version in sorted({*every, *wanted}):
        if version not in wanted:
            together = False
        elif together:
            spans[-1] = spans[-1][0], version
        else:
            spans.append((version, version))
            together = True
    return tuple(spans)


def condensed(pieces: Sequence[Piece], version: int, fact: Condensed) -> list[Piece]:
    """Return what is left of the pieces: one that says what happened stands where the first was forgotten."""
    left: list[Piece] = []
    told = False
    for piece in pieces:
        if not within(piece.version, fact.forgotten):
            left.append(masked(piece) if within(piece.version, fact.masked) else piece)
        elif not told:
            told = True
            left.append(_measured(version, (note_of(fact.messages, fact.summary),)))
    return left


def note_of(messages: int, summary: str) -> Message:
    """Return what stands in place of so many messages."""
    return {"role": "user", "content": no_longer_shown(messages, summary)}


def masked(piece: Piece) -> Piece:
    """Return the piece without the results in it that are longer than the words that they are left out."""
    return replace(_measured(piece.version, tuple(map(_masked, piece.messages))), results=0)


def _masked(message: Message) -> Message:
    if message.get("role") != "tool":
        return message
    said = left_out(message["content"])
    return message if len(said) >= len(message["content"]) else {**message, "content": said}


def _measured(version: int, messages: tuple[Message, ...]) -> Piece:
    return Piece(version, messages, sum(len(_encode(message)) + 1 for message in messages))
