"""Texts as a session's events, ready to be appended before the clock starts."""

from collections.abc import Sequence

from refold.eventlog.actions import Think
from refold.eventlog.events import ActionProposed, Event, ObservationRecorded
from refold.eventlog.log import Append, Entry
from refold.eventlog.observations import RunOutput
from refold.eventlog.record import Given


def event(version: int, text: str) -> Event:
    """Return an action and its observation in turn, as a session goes."""
    if version % 2:
        return ObservationRecorded(cause=version - 1, observation=RunOutput(content=text, exit_code=0))
    return ActionProposed(action=Think(thought=text), tool_call_id=f"call_{version // 2}")


def append(stream: str, expected: int, texts: Sequence[str]) -> Append:
    """Return an append of one command for each text."""
    entries = tuple(
        Entry(
            Given(id=f"{stream}/{version}", kind="ReceiveReply", at=1_790_000_000_000_000_000, by="agent"),
            (event(version, text),),
        )
        for version, text in enumerate(texts, expected + 1)
    )
    return Append(stream=stream, expected=expected, epoch=1, entries=entries)
