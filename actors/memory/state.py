"""What memory knows: what it has yet to look up, what it has shown already, and what is to be forgotten."""

from msgspec import Struct

from refold.eventlog.condensation import CondensationAsked


class Shown(Struct, frozen=True):
    """A text that the model has been shown, and the version where the piece that holds it begins."""

    source: str
    beside: int


class Touched(Struct, frozen=True):
    """The action at `cause` touched folders whose instructions the model has not been shown."""

    cause: int
    folders: tuple[str, ...]


class Condensation(Struct, frozen=True, kw_only=True):
    """A summary that is to be had: asked for at `version`, `attempts` times of a model so far.

    `ask` is the question that is open. `shrinks` is how often the model said that there was too much to sum
    up, `failures` how often it failed otherwise.
    """

    version: int
    fact: CondensationAsked
    attempts: int = 0
    failures: int = 0
    shrinks: int = 0
    ask: int | None = None


class Recall(Struct, frozen=True, kw_only=True):
    waiting: tuple[int, ...] = ()
    """Versions of user messages without their recall, oldest first."""
    first: int | None = None
    """The first user message."""
    oriented: bool = False
    """The workspace was recalled, by the first message unless that failed; later ones recall knowledge."""
    shown: tuple[Shown, ...] = ()
    folders: tuple[str, ...] = ()
    """Instructions of single folders, by path: recalled once an action touches something below."""
    touched: tuple[Touched, ...] = ()
    overflowed: bool = False
    """The model said that its window is full, and nothing was forgotten since."""
    condensation: Condensation | None = None
    condensed_tokens: int | None = None
    """How long the request was that was condensed last, if nothing was answered or said since."""

    @property
    def sources(self) -> tuple[str, ...]:
        """What the model has been shown, by source."""
        return tuple(shown.source for shown in self.shown)
