"""Appends in few words, for tests of logs."""

from collections.abc import Sequence

from refold.eventlog.events import Event, MessageReceived, SessionForked
from refold.eventlog.log import Append, Entry
from refold.eventlog.record import Given, Record


def given(command: str, *, at: int = 1_700_000_000_000_000_000, text: str = "") -> Given:
    """Return a command as an append carries it."""
    return Given(id=command, kind="say", at=at, by="user", body={"text": text} if text else {})


def said(*contents: str) -> tuple[Event, ...]:
    return tuple(MessageReceived(content=content) for content in contents)


def append(
    stream: str,
    expected: int,
    command: str,
    *contents: str,
    epoch: int = 1,
    agenda: bytes | None = None,
) -> Append:
    """Return an append of one command that says `contents`, or its own id."""
    entry = Entry(given(command), said(*(contents or (command,))))
    return Append(stream=stream, expected=expected, epoch=epoch, entries=(entry,), agenda=agenda)


def fork(stream: str, parent: Record, command: str, *, digest: str | None = None) -> Append:
    """Return the append that forks the parent's stream at the version of this record."""
    event = SessionForked(
        parent=parent.stream,
        version=parent.version,
        digest=parent.digest.hex() if digest is None else digest,
        workspace="/workspace",
    )
    entry = Entry(given(command), (event,))
    return Append(stream=stream, expected=parent.version, epoch=1, entries=(entry,))


def contents(records: Sequence[Record]) -> list[str]:
    return [record.event.content for record in records if isinstance(record.event, MessageReceived)]
