"""A projection answers one question about a stream: an initial value, and a fold over its records."""

from collections.abc import Iterable
from typing import Protocol

from refold.eventlog.record import Record


class Projection[S](Protocol):
    """What a state is before the first record, and what it becomes with each.

    Pure: the same records give an equal answer, whoever folds them and whenever. `fold` may reuse the state
    that it is given (a conversation grows in place), so hold on to what it returns only.
    """

    def initial(self) -> S: ...

    def fold(self, state: S, record: Record) -> S: ...


def project[S](projection: Projection[S], records: Iterable[Record], *, until: int | None = None) -> S:
    """Return the state after all `records`, or after version `until`: time travel is a fold that stops."""
    return catch_up(projection, projection.initial(), records, until=until)


def catch_up[S](
    projection: Projection[S], state: S, records: Iterable[Record], *, until: int | None = None
) -> S:
    """Go on from `state` with further records."""
    for record in records:
        if until is not None and record.version > until:
            break
        state = projection.fold(state, record)
    return state


def in_batches[S](projection: Projection[S], batches: Iterable[Iterable[Record]]) -> S:
    """Return what `project` returns for the batches joined: the law that every projection keeps."""
    state = projection.initial()
    for batch in batches:
        state = catch_up(projection, state, batch)
    return state
