"""What a session knows of its delegates: those that were started and whose result is not on record."""

from msgspec import Struct

DELEGATE = "delegate"
"""What `ActionStarted` names instead of a runner's incarnation: another session carries the action out."""


class OpenDelegate(Struct, frozen=True, kw_only=True):
    """`version` is the action that it answers; one that was `answered` otherwise is to stop."""

    version: int
    answered: bool = False


type Delegates = tuple[OpenDelegate, ...]


def delegate_stream(stream: str, version: int) -> str:
    """Return the stream of the delegate that the action at `version` starts."""
    return f"{stream}~{version}"


def root_name(stream: str) -> str:
    """Return the stream at the top of a family: all of it has one driver."""
    return stream.partition("~")[0]
