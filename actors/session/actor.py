"""The Session actor: keeps the minutes. The only writer of its stream; commits before it publishes."""

from collections.abc import Sequence
from itertools import islice

from msgspec import Struct

from refold.actors.delegation.family import beside
from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import ActorFailed, Dispatcher
from refold.actors.failures import RESTARTS_MAX, Failures
from refold.actors.logger import logger
from refold.actors.runner.masker import Masker
from refold.actors.session.commands import to_given
from refold.actors.session.decide import MAY_COME_TWICE, foresee
from refold.actors.session.due import NOTHING_OWED, Owed, agenda, owed
from refold.actors.session.evolve import evolve, states_after, understood
from refold.actors.session.fault import KIND as FAULT
from refold.actors.session.fault import faulted
from refold.actors.session.followers import Followers
from refold.actors.session.masking import masked_fault, masked_submit
from refold.actors.session.messages import (
    SYSTEM,
    Committed,
    Fault,
    Fenced,
    NoRoom,
    Reply,
    RoomAgain,
    SayTrouble,
    Settled,
    Submit,
    TryAgain,
    session_name,
)
from refold.actors.session.refused import Refused
from refold.actors.session.state import State, initial_state
from refold.eventlog.events import SessionClaimed
from refold.eventlog.log import (
    Append,
    Appended,
    CommandReused,
    DiskFull,
    Entry,
    EventLog,
    LogError,
    StreamUnknown,
    WrongVersion,
)
from refold.eventlog.record import Given, Record

ROOM_AGAIN_S = 1.0
"""How long an append that found a full disk waits before it tries again."""

type Message = Submit | Settled | TryAgain | Fault | SayTrouble | ActorFailed


class _Proposal(Struct, frozen=True):
    """What was decided on the state that includes what is in flight, and is not committed yet.

    `entries` is empty where nothing changes, where the same command is on its way already, and where it is
    `refused`: that too is only said once what it was decided on is committed. `states` are those after each
    of their events: they come true with the commit.
    """

    asked: Submit | Fault
    entries: tuple[Entry, ...] = ()
    states: tuple[State, ...] = ()
    refused: str | None = None


class SessionActor(Actor):
    """Decides commands in order, has them committed, and only then lets anybody act on them.

    One append is in flight at a time. Commands that arrive meanwhile are decided on the state that includes
    it, held back, and decided anew if it fails. `opening` claims the session: who is rebuilt before it was
    committed says it again, and who finds a later claim drives no more. Everything comes in masked.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that it is to one session
        self,
        port: Dispatcher,
        stream: str,
        log: EventLog,
        epoch: int,
        claim: str,
        opening: Submit | None,
        followers: Followers,
        masker: Masker | None = None,
    ) -> None:
        super().__init__(port, session_name(stream))
        self._masker = masker
        self._stream, self._log, self._epoch, self._followers = stream, log, epoch, followers
        self._opening = masked_submit(opening, masker) if masker and opening else opening
        self._claim = claim
        self._claimed: SessionClaimed | None = None
        self._state = self._ahead = initial_state()
        self._flight: tuple[_Proposal, ...] = ()
        self._held: list[_Proposal] = []
        self._known: tuple[State, Owed] = self._ahead, NOTHING_OWED
        """What will be owed after the append under way."""
        self._batch = int(port.new_id()[:8], 16)  # Not an earlier incarnation's: its append may land yet.
        self._fenced: LogError | None = None
        self._starved = False
        self._failures = Failures()
        self._lame: set[str] = set()

    @property
    def state(self) -> State:
        """What is committed, for whoever compares it with the log."""
        return self._state

    def on_start(self) -> None:
        try:
            for record in self._log.read(self._stream):
                understood(record.event)
                self._see(record, evolve(self._state, record.event, record.version))
        except StreamUnknown:
            pass
        self._ahead = self._state
        if self._driving:
            self._followers.gather(self._state)
            self._followers.perform_again()
        elif self._opening is not None and self._log.find(self._claim) is None:
            self._propose(self._opening)
            self._take_off()
        else:  # Whoever was rebuilt may have died of learning it.
            self._fence(self._overtaken(), ())

    def on_receive(self, message: Message) -> None:
        match message:
            case Submit():
                self._propose(masked_submit(message, self._masker) if self._masker else message)
                self._take_off()
            case Settled(batch=batch, result=result):
                if batch == self._batch:
                    self._land(result)
                elif not self._flight and isinstance(result, Appended):
                    self._catch_up(result, ())
            case TryAgain(batch=batch):
                if batch == self._batch and self._flight:
                    self._append()
            case Fault():
                self._fault(message)
                self._take_off()
            case SayTrouble():
                if self._fenced is not None:
                    self.port.tell(SYSTEM, Fenced(self._stream, self._fenced, self._claim))
            case ActorFailed():
                self._supervise(message)

    @property
    def _driving(self) -> bool:
        return self._claimed is not None and self._fenced is None

    def _see(self, record: Record, state: State) -> None:
        """Take in the next record, and the state after it."""
        if type(record.event) is SessionClaimed:
            self._claimed = record.event if record.command == self._claim else None
        self._state = state

    # Deciding -----------------------------------------------------------------------------------------

    def _propose(self, submit: Submit) -> None:
        command = submit.command
        if self._fenced is not None:
            self._reply(submit, Reply(command=command.id, error=self._fenced))
            return
        if self._is_on_its_way(command.id):
            self._hold(_Proposal(submit))
            return
        asked = submit.reply_to is not None or submit is self._opening
        known = self._log.find(command.id) if asked else None
        if known is not None:
            self._reply(submit, Reply(command=command.id, records=known.records))
            return
        entries: list[Entry] = []
        states: list[State] = []
        try:
            for each in (*submit.before, command):
                foreseen = foresee(states[-1] if states else self._ahead, each)
                if events := foreseen.events:
                    entries.append(Entry(given=to_given(each, events[0]), events=events))
                    states.extend(foreseen.states)
        except Refused as refusal:
            if submit is self._opening:  # Who has no claim decides nothing.
                self._reply(submit, Reply(command=command.id, refused=str(refusal)))
                self._fence(LogError(f"the claim was refused: {refusal}"), ())
            else:
                self._hold(_Proposal(submit, refused=str(refusal)))
            return
        if entries and type(entries[-1].events[0]) in MAY_COME_TWICE and self._log.find(command.id):
            return
        self._hold(_Proposal(submit, tuple(entries), tuple(states)))

    def _hold(self, proposal: _Proposal) -> None:
        self._held.append(proposal)
        if proposal.states:
            self._ahead = proposal.states[-1]

    def _is_on_its_way(self, command: str) -> bool:
        return any(
            entry.given.id == command
            for proposal in (*self._flight, *self._held)
            for entry in proposal.entries
        )

    def _fault(self, fault: Fault) -> None:
        """Record a failure of our own code; this is a rule of the shell, which every evolve accepts."""
        fault = masked_fault(fault, self._masker) if self._masker else fault
        events = faulted(self._ahead, fault.error, fault.message) if self._driving else ()
        if not events:
            return
        given = Given(id=self.port.new_id(), kind=FAULT, at=self.port.now_ns(), by="system")
        self._hold(_Proposal(fault, (Entry(given=given, events=events),), states_after(self._ahead, events)))

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
        else:  # Nothing is written, so that nothing but this look would tell that it was decided too late.
            head = self._log.head(self._stream)
            self._land(Appended((), again=head is not None and head.version > self._state.version))

    def _append(self) -> None:
        name, batch, port = self.name, self._batch, self.port
        self._known = self._ahead, owed(self._ahead)
        append = Append(
            stream=self._stream,
            expected=self._state.version,
            epoch=self._epoch,
            entries=tuple(entry for proposal in self._flight for entry in proposal.entries),
            agenda=agenda(self._known[1].effects),
        )
        beside = self._beside(append)
        self._log.append(append, *beside, on_committed=lambda result: port.tell(name, Settled(batch, result)))

    def _beside(self, append: Append) -> tuple[Append, ...]:
        """Return what is committed with it in the streams of its delegates, where it may have any."""
        settings = self._ahead.life.settings
        if settings is None or not settings.agents:
            return ()
        states = [state for proposal in self._flight for state in proposal.states]
        return beside(self._log, append, states, self._claimed)

    def _land(self, result: Appended | LogError) -> None:
        if isinstance(result, DiskFull):
            self._starve(result)
            return
        flight, self._flight = self._flight, ()
        if self._starved:
            self._starved = False
            self.port.tell(SYSTEM, RoomAgain(self._stream))
        match result:
            case Appended(again=False, records=whole):
                records = tuple(record for record in whole if record.stream == self._stream)
                self._publish(records, [state for proposal in flight for state in proposal.states])
                self._answer(records, flight)
                self._take_off()
            case Appended() | WrongVersion() | CommandReused():
                self._catch_up(result, (*flight, *self._held))
            case LogError():
                self._fence(result, (*flight, *self._held))

    def _publish(self, records: Sequence[Record], states: Sequence[State]) -> None:
        """Take in what is committed, with the state after each record, and let the followers act on it."""
        before = self._driving
        for record, state in zip(records, states, strict=True):
            self._see(record, state)
        if not records or not self._driving:
            return
        self.port.point("before publish")
        if not before:
            self._followers.gather(self._state)
            return
        self._followers.tell(Committed(tuple(records), tuple(states), tuple(map(self._owed, states))))
        if self._lame and self._state.agent.state != "error":
            for name in self._lame:
                self.port.restart(name)
            self._lame.clear()

    def _owed(self, state: State) -> Owed:
        return self._known[1] if state is self._known[0] else owed(state)

    def _answer(self, records: Sequence[Record], flight: Sequence[_Proposal]) -> None:
        rest = iter(records)
        for proposal in flight:
            mine = tuple(islice(rest, sum(len(entry.events) for entry in proposal.entries)))
            if proposal.refused is not None and isinstance(proposal.asked, Submit):
                refusal = Reply(command=proposal.asked.command.id, refused=proposal.refused)
                self._reply(proposal.asked, refusal)
            elif isinstance(proposal.asked, Submit) and proposal.asked.reply_to is not None:
                known = None if mine else self._log.find(proposal.asked.command.id)
                mine = mine if known is None else known.records
                self._reply(proposal.asked, Reply(command=proposal.asked.command.id, records=mine))

    def _catch_up(self, result: Appended | LogError, proposals: Sequence[_Proposal]) -> None:
        """Take in what an earlier incarnation of this driver committed, and decide anew on it.

        Where another driver has claimed the session since, or nothing explains a refusal, this one gives up.
        """
        try:
            records = tuple(self._log.read(self._stream, after=self._state.version))
        except StreamUnknown:
            records = ()
        for record in records:
            if isinstance(record.event, SessionClaimed) and record.command != self._claim:
                self._fence(self._overtaken(), proposals)
                return
        ours = not isinstance(result, WrongVersion) or result.stream == self._stream
        if isinstance(result, LogError) and ours and not records:  # Else a delegate has come further.
            self._fence(result, proposals)
            return
        self._publish(records, states_after(self._state, [record.event for record in records]))
        self._decide_anew(proposals)

    def _decide_anew(self, proposals: Sequence[_Proposal]) -> None:
        """Take the commands one by one again, on what is committed by now; nothing of them was written."""
        self._ahead, self._held = self._state, []
        for proposal in proposals:
            match proposal.asked:
                case Submit() as submit:
                    self._propose(submit)
                case Fault() as fault:
                    self._fault(fault)
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
        self._fenced = error
        self._held = []
        self._followers.retire()
        for proposal in proposals:
            if isinstance(proposal.asked, Submit):
                self._reply(proposal.asked, Reply(command=proposal.asked.command.id, error=error))
        self.port.tell(SYSTEM, Fenced(self._stream, error, self._claim))

    def _overtaken(self) -> LogError:
        return LogError(f"session {self._stream!r} was claimed by another driver")

    def _reply(self, submit: Submit, reply: Reply) -> None:
        if submit.reply_to is not None:
            self.port.tell(submit.reply_to, reply)

    # Supervising --------------------------------------------------------------------------------------

    def _supervise(self, failed: ActorFailed) -> None:
        """Rebuild a follower from the log; one that fails again and again is a fault of ours.

        Then it stays down until a person has the agent go on: there is nothing for it to do before.
        """
        said = logger(session=self._stream, actor=failed.name, version=self._state.version)
        said.warning("actor failed", error=failed.error, message=failed.message, trace=failed.trace)
        if self._failures.count(failed.name, self.port.now_ns()) <= RESTARTS_MAX:
            self.port.restart(failed.name)
            return
        self._failures.forget(failed.name)
        self._lame.add(failed.name)
        self._fault(Fault(error=failed.error, message=f"{failed.name}: {failed.message}"))
        self._take_off()
