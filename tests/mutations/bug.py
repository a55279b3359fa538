"""A planted bug: a mistake that somebody could make, as a small change of one file."""

from pathlib import Path
from typing import Literal

from msgspec import Struct

type Family = Literal[
    "session actor",
    "admission",
    "file",
    "deciders",
    "approvals",
    "circles",
    "follower",
    "runtime",
    "memory",
    "timers",
    "dispatcher",
    "tools",
    "starting",
    "delegation",
    "forks",
]

EVERY = ("standard", "steering", "confirmation", "limits", "repairs")
"""Hunted by all that ships, one after another: seed n by the scenario whose turn it is."""


class Bug(Struct, frozen=True, kw_only=True):
    """`name` says what goes wrong; of each of `edits`, the first text stands in `file` once and is replaced.

    `seeds_max` is how many seeds may be tried, from 0, until one finds it.
    """

    name: str
    family: Family
    file: str
    edits: tuple[tuple[str, str], ...]
    scenarios: tuple[str, ...] = EVERY
    disk: Literal["memory", "lmdb"] = "memory"
    seeds_max: int = 1_000
    chooser: Literal["swarm", "lone fault"] = "swarm"
    """Who decides what goes wrong: see `hunt.py`."""

    def plant(self, root: Path) -> None:
        """Make the change in the copy of the product at `root`; raise `NotThere` where it differs."""
        path = root / self.file
        text = path.read_text()
        for old, new in self.edits:
            if text.count(old) != 1:
                raise NotThere(f"{self.name}: {old!r} stands {text.count(old)} times in {self.file}")
            text = text.replace(old, new)
        path.write_text(text)


class NotThere(Exception):
    """The product has changed: a planted bug needs to be written anew."""
