"""Where the versions of a stream are kept: its own, and below a fork its parent's."""

from collections.abc import Callable

from msgspec import Struct


class Fork(Struct, frozen=True):
    """`version` is the last one that belongs to the parent."""

    parent: str
    version: int


class Span(Struct, frozen=True):
    """Versions `first` to `last` inclusive, kept under `stream`; `last` None means to its end."""

    stream: str
    first: int
    last: int | None


def spans(stream: str, first: int, last: int | None, fork_of: Callable[[str], Fork | None]) -> list[Span]:
    """Return where versions `first` to `last` are found, in order; `fork_of` knows each stream's fork."""
    found: list[Span] = []
    first = max(first, 0)
    while last is None or first <= last:
        fork = fork_of(stream)
        if fork is None:
            found.append(Span(stream, first, last))
            break
        if last is None or last > fork.version:
            found.append(Span(stream, max(first, fork.version + 1), last))
            last = fork.version
        stream = fork.parent
    found.reverse()
    return found
