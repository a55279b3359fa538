"""What is known of a start: the steps that are still owed, and what those that are over took."""

from msgspec import Struct

from refold.eventlog.starting import StartStep


class Start(Struct, frozen=True, kw_only=True):
    """`owed` stands in the order in which it is done; empty, as in most sessions, nothing is to be done."""

    owed: tuple[StartStep, ...] = ()
    took: tuple[tuple[str, float], ...] = ()
    """Seconds of each step that is over, the connection included."""
    restored: tuple[str, ...] = ()
    setup_in: str | None = None
    """The runner that the setup script was run in."""
    failures: int = 0
    releasing: bool = False
    """A step failed: the runner must be gone before another is launched."""
