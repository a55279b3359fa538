"""A trajectory as it was found: the events of one session of another system, each in its own words."""

from typing import Any

from msgspec import Struct

REFOLD_JSONL = "refold-jsonl"
"""The form that `refold export --format jsonl` prints."""
ATIF = "atif"
SWE_AGENT = "swe-agent"
MINI_SWE_AGENT = "mini-swe-agent"
"""Every other form is the replaced system's, and its name begins with `openhands`."""


class TrajectoryUnreadable(Exception):
    """What was given is no trajectory; the message names the file, the event and what is wrong with it."""


class ForeignEvent(Struct, frozen=True):
    """One recorded event: `text` is its JSON exactly as found, white space aside; `value` the same, read.

    The text is what is kept and exported: it alone holds every digit of every number.
    """

    text: str
    value: dict[str, Any]


class Trajectory(Struct, frozen=True, kw_only=True):
    """`format` names the form of the file, `envelope` is JSON of what stood around the events in it."""

    source: str
    format: str
    events: tuple[ForeignEvent, ...]
    envelope: str | None = None
    losses: tuple[str, ...] = ()
    """What stands in the file beside the events and is not read with them."""
