"""What another system recorded becomes a stream: kept as it was, driven by nobody."""

from collections.abc import Sequence

from refold.eventlog.events import Event, SessionImported
from refold.eventlog.log import NO_STREAM, Append, Appended, Entry, EventLog
from refold.eventlog.record import Given

KIND = "ImportSession"
"""What the command of an import is called; the shell gives it, no decider."""


def import_trajectory(
    log: EventLog, stream: str, events: Sequence[Event], *, now_ns: int, command: str
) -> Appended:
    """Commit a whole trajectory as a new stream, all or nothing; `events` as `eventlog.formats` reads them.

    The first is `SessionImported`, every other one holds in `foreign` what was recorded. The stream has no
    epoch, for nobody has claimed it, and owes nothing. Raises what the log raises: `WrongVersion` where the
    stream exists.
    """
    head, *recorded = events
    if not isinstance(head, SessionImported):
        raise TypeError(f"an imported stream begins with SessionImported, not with {type(head).__name__}")
    if head.events != len(recorded) or any(event.foreign is None for event in recorded):
        raise ValueError(f"{head.source}: {head.events} imported events announced, {len(recorded)} found")
    given = Given(id=command, kind=KIND, at=now_ns, by="user")
    entry = Entry(given=given, events=tuple(events))
    return log.commit(Append(stream=stream, expected=NO_STREAM, epoch=0, entries=(entry,), agenda=b""))
