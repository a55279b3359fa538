"""What memory knows: which messages it has yet to look up, and what it has shown already."""

from msgspec import Struct


class Recall(Struct, frozen=True, kw_only=True):
    waiting: tuple[int, ...] = ()
    """Versions of user messages without their recall, oldest first."""
    first: int | None = None
    """The first user message; it recalls the workspace, each later one knowledge."""
    shown: tuple[str, ...] = ()
    """Sources whose text the model has been shown."""
