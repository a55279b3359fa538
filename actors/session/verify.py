"""Replay as proof: the deciders run again over the recorded commands, and must decide what was recorded."""

from collections import deque
from typing import Any

import msgspec
from msgspec import Struct

from refold.actors.session import fork as forking
from refold.actors.session import importing
from refold.actors.session.commands import from_given
from refold.actors.session.decide import decide
from refold.actors.session.due import configuration_digest
from refold.actors.session.evolve import NotUnderstood, evolve, understood
from refold.actors.session.fault import faulted
from refold.actors.session.refused import Refused
from refold.actors.session.state import State, initial_state
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.events import (
    Event,
    ModelAsked,
    SessionClaimed,
    SessionFaulted,
    SessionForked,
    SessionImported,
)
from refold.eventlog.log import CorruptRecord, EventLog
from refold.eventlog.record import Given, Record
from refold.projections.condensing import forgetting
from refold.projections.conversation import Conversation
from refold.projections.request import Request
from refold.projections.summarising import summary_request

SAME_CODE = "same code: not deterministic"
OTHER_CODE = "other code: would now decide this"
OTHER_REQUEST = "other code: would now ask this"
DAMAGED = "the record is damaged, or was not written by Refold"

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class Divergence(Struct, frozen=True, kw_only=True):
    """The first place where record and replay part: `expected` is recorded, `found` came instead.

    Both are plain data; None where there is nothing on that side. `verdict` tells what it means, given the
    `code` that recorded it and the `code_now` that verifies.
    """

    version: int
    command: str | None
    reason: str
    verdict: str
    expected: Any = None
    found: Any = None
    code: str | None = None
    code_now: str | None = None
    position: int | None = None


class Verification(Struct, frozen=True, kw_only=True):
    """`foreign` of the `records` were imported: their digests vouch for them, nothing was decided here."""

    ok: bool
    records: int
    foreign: int
    divergence: Divergence | None = None


class _Diverged(Exception):
    def __init__(
        self, reason: str, *, expected: object = None, found: object = None, verdict: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason, self.verdict = reason, verdict
        self.expected, self.found = _plain(expected), _plain(found)


def verify(log: EventLog, stream: str, *, code: str | None = None) -> Verification:
    """Decide every recorded command again and ask for what is recorded; stop at the first divergence.

    `code` is the version of the code that runs now. Reads the stream once and holds one command's events at a
    time beside the session's state and its conversation. Raises `StreamUnknown`.
    """
    replay = _Replay()
    last: Record | None = None
    try:
        for last in log.read(stream, check=True):
            replay.take(last)
        replay.end()
    except CorruptRecord as corrupt:
        divergence = Divergence(
            version=replay.state.version + 1,
            command=None,
            reason=str(corrupt),
            verdict=DAMAGED,
            code=replay.code,
            code_now=code,
            position=corrupt.position,
        )
    except _Diverged as diverged:
        at = replay.state.version + 1
        ended = last is None or last.version != at
        divergence = Divergence(
            version=at,
            command=replay.command,
            reason=diverged.reason,
            verdict=SAME_CODE if code == replay.code else diverged.verdict or OTHER_CODE,
            expected=diverged.expected,
            found=diverged.found,
            code=replay.code,
            code_now=code,
            position=None if ended or last is None else last.position,
        )
    else:
        return Verification(ok=True, records=replay.records, foreign=replay.foreign)
    return Verification(ok=False, records=replay.records, foreign=replay.foreign, divergence=divergence)


class _Replay:
    """Follows a stream record by record; `take` and `end` raise `_Diverged`."""

    def __init__(self) -> None:
        self.state: State = initial_state()
        self.records = 0
        self.foreign = 0
        self.code: str | None = None
        self.command: str | None = None
        self._conversation = Conversation()
        self._decided: deque[Event] = deque()
        self._imports = 0
        self._epoch = 0
        self._digest = b""

    def take(self, record: Record) -> None:
        if record.version != self.state.version + 1:
            raise _Diverged(f"version {record.version} comes after version {self.state.version}")
        if record.given is not None:
            self._begin(record, record.given)
        elif record.command != self.command:
            raise _Diverged(f"nobody gave the command {record.command!r}", expected=record.event)
        self._compare(record)
        if record.epoch != self._epoch:
            raise _Diverged(f"recorded under epoch {record.epoch}, while {self._epoch} was in force")
        self.state = evolve(self.state, record.event, record.version)
        self._conversation.add(record)
        self._digest = record.digest
        self.records += 1

    def end(self) -> None:
        """Ask that the last command led to no more than was recorded."""
        if self._decided:
            raise _Diverged("more follows from the command than was recorded", found=self._decided[0])
        if self._imports:
            raise _Diverged(f"{self._imports} imported events are missing")

    def _begin(self, record: Record, given: Given) -> None:
        """Take up the next command. A fork may cut off the rest of what the one before had led to."""
        if not isinstance(record.event, SessionForked):
            self.end()
        self.command, self._imports = given.id, 0
        self._decided = deque(self._again(record, given))
        claims = [event for event in self._decided if isinstance(event, SessionClaimed)]
        self._epoch = claims[-1].epoch if claims else self.state.life.epoch
        self.code = claims[-1].code if claims else self.code

    def _again(self, record: Record, given: Given) -> tuple[Event, ...]:
        """Return what the command leads to: by the rules of the shell for what no decider sees."""
        event = record.event
        try:
            understood(event)
            match given.kind, event:
                case "Fault", SessionFaulted(error=error):
                    return self._faulted(event, error)
                case forking.KIND, SessionForked():
                    return self._forked(event, given)
                case importing.KIND, SessionImported():
                    return self._imported(event)
                case _:
                    return decide(self.state, from_given(given, event))
        except NotUnderstood as unknown:
            raise _Diverged(str(unknown), expected=event) from unknown
        except msgspec.ValidationError as unknown:
            reason = f"a command {given.kind!r} that this version does not know: {unknown}"
            raise _Diverged(reason, expected=event) from unknown
        except Refused as refusal:
            raise _Diverged(f"the command would be refused: {refusal}", expected=event) from refusal
        except Exception as error:
            if isinstance(error, _Diverged):
                raise
            reason = f"deciding fails: {type(error).__name__}: {error}"
            raise _Diverged(reason, expected=event) from error

    def _faulted(self, fault: SessionFaulted, error: str) -> tuple[Event, ...]:
        return faulted(self.state, error, fault.message)

    def _forked(self, forked: SessionForked, given: Given) -> tuple[Event, ...]:
        if (forked.version, forked.digest) != (self.state.version, self._digest.hex()):
            found = {"version": self.state.version, "digest": self._digest.hex()}
            raise _Diverged(
                "the fork does not continue its parent", expected=forked, found=found, verdict=DAMAGED
            )
        claim = msgspec.convert(given.body.get("claim"), SessionClaimed)
        return forking.carry_over(self.state, forked, claim)

    def _imported(self, imported: SessionImported) -> tuple[Event, ...]:
        if self.state.version >= 0:
            raise _Diverged("an import in the middle of a stream", expected=imported)
        self._imports = imported.events
        return (imported,)

    def _compare(self, record: Record) -> None:
        event = record.event
        if event.foreign is not None and self._imports and not self._decided:
            self._imports -= 1
            self.foreign += 1
            return
        if not self._decided:
            raise _Diverged("the command does not lead to this event", expected=event)
        decided = self._decided[0]
        if decided != event and _encode(decided) != _encode(event):
            raise _Diverged("the command leads to another event", expected=event, found=decided)
        match event:
            case ModelAsked():
                self._ask_again(event)
            case CondensationAsked() | Condensed() | CondensationFailed():
                self._choose_again(event)
            case SessionClaimed():
                self._claim_again(event)
            case _:
                pass
        self._decided.popleft()

    def _ask_again(self, asked: ModelAsked) -> None:
        request = self._request_of(asked)
        if (request.digest, len(request.messages)) != (asked.request, asked.messages):
            raise _Diverged(
                "the request cannot be built again from the stream",
                expected={"request": asked.request, "messages": asked.messages},
                found={"request": request.digest, "messages": len(request.messages)},
                verdict=OTHER_REQUEST,
            )

    def _request_of(self, asked: ModelAsked) -> Request:
        """Return the request that was recorded as `asked`, built again."""
        condensing = self.state.recall.condensation
        if asked.purpose == "step" or condensing is None:
            return self._conversation.request(asked.model, parameters=asked.parameters)
        return summary_request(
            self._conversation,
            condensing.fact,
            asked.model,
            shrinks=condensing.shrinks,
            parameters=asked.parameters,
        )

    def _choose_again(self, chosen: CondensationAsked | Condensed | CondensationFailed) -> None:
        """Choose what to forget again, from the conversation as it stood."""
        settings, recall = self.state.life.settings, self.state.recall
        if settings is None or chosen.cause is not None:
            return
        found = forgetting(
            settings.condenser,
            self._conversation,
            self._conversation.request(str(settings.model), parameters=settings.parameters),
            step=self.state.agent.iterations + 1,
            overflowed=recall.overflowed,
            condensed_before=recall.condensed_tokens is not None,
        )
        if found != chosen:
            raise _Diverged("something else is chosen to be forgotten", expected=chosen, found=found)

    def _claim_again(self, claim: SessionClaimed) -> None:
        """Check what no decider looks at: a claim's epoch is the next, and it names the settings in force."""
        epoch, configuration = self.state.life.epoch + 1, configuration_digest(self.state)
        if (claim.epoch, claim.configuration) != (epoch, configuration):
            raise _Diverged(
                "the claim breaks the rules of the shell",
                expected={"epoch": claim.epoch, "configuration": claim.configuration},
                found={"epoch": epoch, "configuration": configuration},
            )


def _plain(value: object) -> object:
    return msgspec.to_builtins(value)
