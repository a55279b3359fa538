"""What all facts have in common."""

from typing import Literal

from msgspec import Struct

type By = Literal["user", "agent", "policy", "system"]


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True, tag_field="type"):
    """`cause` is the version of the event that this one answers; `by` differs from the command's if given."""

    cause: int | None = None
    by: By | None = None
    foreign: str | None = None
    """The event as another system recorded it, in JSON; set on what was imported."""
