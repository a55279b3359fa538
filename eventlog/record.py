"""An event as the log keeps it: the fact in its envelope, and the command that gave rise to it."""

from typing import Any

from msgspec import Struct

from refold.eventlog.events import Event
from refold.eventlog.fact import By


class Given(Struct, frozen=True, kw_only=True, gc=False):
    """A command as the log keeps it, complete: deciding it again needs nothing else.

    `body` holds what is special to its kind (builtins only); bulk that the command's first event
    holds as well is left out of it. `at` is in ns UTC.
    """

    id: str
    kind: str
    at: int
    by: By
    body: dict[str, Any] = {}


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """One committed event.

    `position` counts over the whole log, `version` within the stream; `command` is the id of the command
    that the event came from, `given` that command itself on the first of its events. `digest` is the
    leaf hash over the stored bytes, which include the digest before it.
    """

    position: int
    stream: str
    version: int
    at: int
    event: Event
    command: str
    epoch: int
    digest: bytes
    given: Given | None = None

    @property
    def cause(self) -> int | None:
        return self.event.cause

    @property
    def type(self) -> str:
        return type(self.event).__name__
