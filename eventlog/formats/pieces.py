"""Recorded items that hold more than one event each: a step with its calls and what came of them."""

import json

import msgspec

from refold.eventlog.events import Event


class Pieces:
    """Collects the events of a stream, the first at version 1.

    An item's first event keeps all of it as it was found; each further one says where in that it stands.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._text = ""
        self._first: int | None = None

    def begin(self, text: str) -> None:
        """Go on with the next item."""
        self._text, self._first = text, None

    def add(self, event: Event, place: str = "") -> int:
        """Add an event that the item holds at `place`; return its version."""
        version = len(self.events) + 1
        if self._first is None:
            self._first, foreign = version, self._text
        else:
            foreign = json.dumps({"part_of": self._first, "at": place}, separators=(",", ":"))
        self.events.append(msgspec.structs.replace(event, foreign=foreign))
        return version


def is_piece(foreign: str) -> bool:
    """Whether it only says where in another one the event stands."""
    return foreign.startswith('{"part_of":')
