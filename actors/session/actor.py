"""The Session actor: keeps the minutes. The only writer of its stream; commits before it publishes."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import islice

import msgspec
from msgspec import Struct

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import ActorFailed, Dispatcher
from refold.actors.runtime.decide import answer_all
from refold.actors.session.commands import Command, to_given
from refold.actors.session.decide import decide
from refold.actors.session.due import Effect, due
from refold.actors.session.evolve import evolve, fold, understood
from refold.actors.session.messages import (
    SYSTEM,
    Committed,
    Fault,
    Fenced,
    NoRoom,
    PerformAgain,
    Reply,
    RoomAgain,
    Settled,
    Submit,
    TryAgain,
    session_name,
)
from refold.actors.session.refused import Refused
from refold.actors.session.state import State, initial_state
from refold.eventlog.events import Event, SessionFaulted
from refold.eventlog.log import Append, Appended, DiskFull, Entry, EventLog, LogError, StreamUnknown
from refold.eventlog.record import Given

ROOM_AGAIN_S = 1.0
"""How long an append that found a full disk waits before it tries again."""

type Message = Submit | Settled | TryAgain | Fault | ActorFailed


class _Proposal(Struct, frozen=True):
    """A command decided on the state that includes what is in flight, not committed yet."""

    submit: Submit | None
    entries: tuple[Entry, ...]


class Followers(Struct, frozen=True):
    """The actors that act on what Session commits, by name, and how each is built."""

    make: dict[str, Callable[[], Actor]]


class SessionActor(Actor):
    """Decides commands in order, has them committed, and only then lets anybody act on them.

    One append is in flight at a time. Commands that arrive meanwhile are decided on the state that includes
    it, held back, and decided anew if it fails.
    """

    def __init__(
        self, port: Dispatcher, stream: str, log: EventLog, epoch: int, followers: Followers
    ) -> None:
        super().__init__(port, session_name(stream))
        self._stream, self._log, self._epoch, self._followers = stream, log, epoch, followers
        self._state = self._ahead = initial_state()
        self._flight: tuple[_Proposal, ...] = ()
        self._held: list[_Proposal] = []
        self._batch = 0
        self._fenced = False
        self._starved = False
        self._failures: dict[str, list[int]] = {}

    def on_start(self) -> None:
        try:
            for record in self._log.read(self._stream):
                understood(record.event)
                self._state = evolve(self._state, record.event, record.version)
        except StreamUnknown:
            return
        self._ahead = self._state
        if self._driving:
            self._gather()
            for name in self._followers.make:
                self.port.tell(name, PerformAgain())

    def on_receive(self, message: Message) -> None:
        match message:
            case Submit():
                self._propose(message)
                self._take_off()
            case Settled(batch=batch, result=result):
                if batch == self._batch:
                    self._land(result)
            case TryAgain(batch=batch):
                if batch == self._batch and self._flight:
                    self._append()
            case Fault(error=error, message=text):
                self._fault(error, text)
            case ActorFailed():
                self._supervise(message)

    @property
    def _driving(self) -> bool:
        return self._state.life.epoch == self._epoch and not self._fenced

    # Deciding -----------------------------------------------------------------------------------------

    def _propose(self, submit: Submit) -> None:
        command = submit.command
        known = None if submit.reply_to is None else self._log.find(command.id)
        if known is not None:
            self._reply(submit, Reply(command=command.id, records=known.records))
            return
        ahead, entries = self._ahead, list[Entry]()
        try:
            for each in (*submit.before, command):
                if events := decide(ahead, each):
                    entries.append(Entry(given=to_given(each, events[0]), events=events))
                for event in events:
                    ahead = evolve(ahead, event, ahead.version + 1)
        except Refused as refusal:
            self._reply(submit, Reply(command=command.id, refused=str(refusal)))
            return
        self._ahead = ahead
        self._held.append(_Proposal(submit, tuple(entries)))

    def _fault(self, error: str, text: str) -> None:
        """Record a failure of our own code; this is a rule of the shell, which every evolve accepts."""
        if self._ahead.life.settings is None or self._ahead.agent.state == "error":
            return
        faulted: Event = SessionFaulted(error=error, message=text)
        events = (faulted, *answer_all(self._ahead, "fault", f"an internal error: {error}"))
        for event in events:
            self._ahead = evolve(self._ahead, event, self._ahead.version + 1)
        given = Given(id=self.port.new_id(), kind="Fault", at=self.port.now_ns(), by="system")
        self._held.append(_Proposal(None, (Entry(given=given, events=events),)))
        self._take_off()

    # Committing ---------------------------------------------------------------------------------------

    def _take_off(self) -> None:
        """Hand the held proposals to the log as one append, unless one is under way."""
        if self._flight or not self._held:
            return
        self._flight, self._held = tuple(self._held), []
        self._batch += 1
        if any(proposal.entries for proposal in self._flight):
            self.port.point("before append")
            self._append()
            self.port.point("after append")
        else:
            self._land(Appended(()))

    def _append(self) -> None:
        name, batch, port = self.name, self._batch, self.port
        append = Append(
            stream=self._stream,
            expected=self._state.version,
            epoch=self._epoch,
            entries=tuple(entry for proposal in self._flight for entry in proposal.entries),
            agenda=agenda(due(self._ahead)),
        )
        self._log.append(append, on_committed=lambda result: port.tell(name, Settled(batch, result)))

    def _land(self, result: Appended | LogError) -> None:
        if isinstance(result, DiskFull):
            self._starve(result)
            return
        flight, self._flight = self._flight, ()
        if isinstance(result, LogError):
            self._fence(result, [*flight, *self._held])
            return
        if result.again:
            self._decide_anew([*flight, *self._held])
            return
        if self._starved:
            self._starved = False
            self.port.tell(SYSTEM, RoomAgain(self._stream))
        self._publish(result, flight)
        self._take_off()

    def _publish(self, result: Appended, flight: Sequence[_Proposal]) -> None:
        before = self._driving
        self._state = fold(self._state, result.records)
        if result.records and self._driving:
            self.port.point("before publish")
            if before:
                for name in self._followers.make:
                    self.port.tell(name, Committed(result.records))
            else:
                self._gather()
        rest = iter(result.records)
        for proposal in flight:
            records = tuple(islice(rest, sum(len(entry.events) for entry in proposal.entries)))
            if proposal.submit is not None:
                self._reply(proposal.submit, Reply(command=proposal.submit.command.id, records=records))

    def _decide_anew(self, proposals: Sequence[_Proposal]) -> None:
        """Take the commands one by one again: the first had been committed before, so nothing of it was written."""
        self._ahead, self._held = self._state, []
        for proposal in proposals:
            submit = proposal.submit
            if submit is None:
                continue
            known = self._log.find(submit.command.id)
            if known is not None:
                self._reply(submit, Reply(command=submit.command.id, records=known.records))
            else:
                self._propose(submit)
        self._take_off()

    def _starve(self, error: DiskFull) -> None:
        """Wait for room: nothing was recorded, so nothing is lost, and nobody acts on what is not."""
        if not self._starved:
            self._starved = True
            self.port.tell(SYSTEM, NoRoom(self._stream, error))
        when = self.port.now_ns() + int(ROOM_AGAIN_S * 1e9)
        key = f"{self.name}/room/{self._batch}/{when}"
        self.port.at(key, when, self.name, TryAgain(self._batch))

    def _fence(self, error: LogError, proposals: Sequence[_Proposal]) -> None:
        """Stop: the stream is somebody else's, or the log is gone."""
        self._fenced = True
        self._held = []
        for name in self._followers.make:
            self.port.retire(name)
        for proposal in proposals:
            if proposal.submit is not None:
                self._reply(proposal.submit, Reply(command=proposal.submit.command.id, error=error))
        self.port.tell(SYSTEM, Fenced(self._stream, error))

    def _reply(self, submit: Submit, reply: Reply) -> None:
        if submit.reply_to is not None:
            self.port.tell(submit.reply_to, reply)

    # Supervising --------------------------------------------------------------------------------------

    def _gather(self) -> None:
        for name, make in self._followers.make.items():
            self.port.spawn(name, make, supervisor=self.name)

    def _supervise(self, failed: ActorFailed) -> None:
        """Rebuild a follower from the log; one that fails again and again is a fault of ours."""
        now, window = self.port.now_ns(), self._failures.setdefault(failed.name, [])
        window.append(now)
        recent = [at for at in window if now - at < RESTARTS_WITHIN_NS]
        self._failures[failed.name] = recent
        if len(recent) > RESTARTS_MAX:
            self._failures[failed.name] = []
            self._fault(failed.error, f"{failed.name}: {failed.message}")
        self.port.restart(failed.name)


RESTARTS_MAX = 3
RESTARTS_WITHIN_NS = 10 * 10**9


def agenda(effects: Sequence[Effect]) -> bytes:
    """Return a stream's entry in the agenda: the effects it owes, by key; empty when it owes nothing."""
    return msgspec.msgpack.encode([effect.key for effect in effects]) if effects else b""


def configuration_digest(state: State) -> str:
    """Return what a claim calls the settings in force."""
    return hashlib.sha256(msgspec.json.encode(state.life.settings, order="deterministic")).hexdigest()


__all__ = ["Command", "Followers", "SessionActor", "agenda", "configuration_digest"]
