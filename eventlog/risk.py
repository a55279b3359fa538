"""How dangerous an action looks, why, and to whom: what an analyzer says of it before it happens."""

from typing import Literal

from msgspec import Struct

type Risk = Literal["low", "medium", "high", "unknown"]
type Threshold = Literal["low", "medium", "high"]
"""A risk from which on a person is asked."""


class Assessment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Advice, not a boundary: the sandbox is that. `unknown` where nobody can tell, or telling failed."""

    risk: Risk
    reason: str = ""
    analyzer: str = ""
    """Who says so, by name."""
