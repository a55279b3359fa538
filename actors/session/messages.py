"""What a session's actors and their surroundings tell each other, beside commands."""

from typing import override

from msgspec import Struct

from refold.actors.session.commands import Command
from refold.actors.session.due import Owed
from refold.actors.session.state import State
from refold.eventlog.log import Appended, LogError
from refold.eventlog.record import Record


class Submit(Struct, frozen=True, kw_only=True):
    """Ask Session to decide a command; `reply_to` is told a `Reply` once it is committed or refused.

    What stands `before` it is committed with it: if one of them is refused, none is recorded.
    """

    command: Command
    before: tuple[Command, ...] = ()
    reply_to: str | None = None


class Reply(Struct, frozen=True, kw_only=True):
    """What came of a command: its records (none if it changed nothing), or why it was refused."""

    command: str
    records: tuple[Record, ...] = ()
    refused: str | None = None
    error: LogError | None = None


class Committed(Struct, frozen=True):
    """Told by Session to its followers: these records are in the log, in order.

    `states` are as of each, `dues` what is then owed.
    """

    records: tuple[Record, ...]
    states: tuple[State, ...]
    dues: tuple[Owed, ...]

    @override
    def __repr__(self) -> str:
        """Leave out what follows from the records: stories of simulations are read."""
        return f"Committed(records={self.records!r})"


class PerformAgain(Struct, frozen=True):
    """Told by a rebuilt Session: whatever it was told before may be lost, so say it again."""


class Settled(Struct, frozen=True):
    """Told to Session by the log: what became of the append under way."""

    batch: int
    result: Appended | LogError


class TryAgain(Struct, frozen=True):
    """Told to Session by its timer: the append that found no room may be tried again."""

    batch: int


class Fault(Struct, frozen=True):
    """Told to Session by its supervisor: our own code failed too often; put it on record."""

    error: str
    message: str


class Fenced(Struct, frozen=True):
    """Told to the system: another driver has claimed `stream`; nothing of it is done here any more.

    `claim` is the command that had claimed it for the one who says so.
    """

    stream: str
    error: LogError
    claim: str


class SayTrouble(Struct, frozen=True):
    """Told by a rebuilt system to its sessions: it may have died of hearing who is fenced; say it again."""


class NoRoom(Struct, frozen=True):
    """Told to the system: the log has no room for what `stream` has to say; it waits and tries again."""

    stream: str
    error: LogError


class RoomAgain(Struct, frozen=True):
    """Told to the system: the append that had found no room is in the log."""

    stream: str


def session_name(stream: str) -> str:
    return f"{stream}/session"


def controller_name(stream: str) -> str:
    return f"{stream}/controller"


def memory_name(stream: str) -> str:
    return f"{stream}/memory"


def runtime_name(stream: str) -> str:
    return f"{stream}/runtime"


def delegation_name(stream: str) -> str:
    return f"{stream}/delegation"


def reporter_name(stream: str) -> str:
    return f"{stream}/reporter"


SYSTEM = "system"
"""The name that supervises sessions."""
