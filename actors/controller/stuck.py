"""Going in circles, seen from digests of what happened since the last user message."""

import re
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from refold.actors.controller.state import Turn
from refold.eventlog.actions import Action, Message, Run, Think
from refold.eventlog.events import ActionProposed, ObservationRecorded
from refold.eventlog.observations import Failure, Observation

type Turns = tuple[Turn, ...]

_TURNS_KEPT = 8
_CHANGING = re.compile(
    rb"(?=[\dpa-f\[])(?:\d{4}-\d\d-\d\d[T ]?|\d{1,2}:\d\d(:\d\d)?([.,]\d+)?"
    rb"|\b(pid|process)\W{0,2}\d+|\[\d+\] \d+|\b[0-9a-f]{32}\b)",
    re.IGNORECASE,
)
"""Dates, times, process ids, ids: two answers that differ in nothing else are the same answer.

The look ahead passes at once where none of them begins: 30 kB of text take 1 ms instead of 2.
"""
_ENCODER = msgspec.json.Encoder(order="deterministic")


def acted(turns: Turns, event: ActionProposed, version: int) -> Turns:
    """Remember an action; waiting on a long command is not an action of its own."""
    action = event.action
    if isinstance(action, Run) and not action.restart and (action.is_input or not action.command.strip()):
        return turns
    turn = Turn(version=version, kind=type(event.action).__name__, action=_action(event.action))
    return (*turns, turn)[-_TURNS_KEPT:]


def observed(turns: Turns, event: ObservationRecorded) -> Turns:
    """Remember what the world answered to a remembered action."""
    for place, turn in enumerate(turns):
        if turn.version == event.cause:
            answer, failed = _observation(event.observation), isinstance(event.observation, Failure)
            return (*turns[:place], replace(turn, observation=answer, failed=failed), *turns[place + 1 :])
    return turns


def pattern(turns: Turns) -> str | None:
    """Return which circle the agent goes in, or None."""
    if _equal(turns[-3:], 3) and turns[-1].kind == Message.__name__:
        return "three equal messages in a row"
    pairs = tuple(turn for turn in turns if turn.observation is not None)
    if _equal(pairs[-4:], 4):
        return "four equal actions with equal answers in a row"
    last = pairs[-3:]
    if len(last) == 3 and len({turn.action for turn in last}) == 1 and all(turn.failed for turn in last):  # noqa: PLR2004
        return "three equal actions in a row, each answered by an error"
    ring = pairs[-6:]
    if len(ring) == 6 and _equal(ring[::2], 3) and _equal(ring[1::2], 3):  # noqa: PLR2004
        return "an alternation of two equal actions three times"
    return None


def _equal(turns: tuple[Turn, ...], count: int) -> bool:
    return len(turns) == count and len({(turn.action, turn.observation) for turn in turns}) == 1


def _action(action: Action) -> bytes:
    bare = action if isinstance(action, Think) else replace(action, thought="")
    return sha256(_ENCODER.encode(bare)).digest()


def _observation(observation: Observation) -> bytes:
    return sha256(_CHANGING.sub(b"#", _ENCODER.encode(observation))).digest()
