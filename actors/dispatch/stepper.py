"""The dispatcher of simulations: one thread, a virtual clock, one step after another, each of them chosen.

Mail in flight, timers, work and restarts are all steps, and every choice between them is a small number from
a `Chooser`: the same choices give the same run, on any machine and under any hash seed. Mail from one sender
to one receiver keeps its order; everything else may overtake.
"""

import queue
import random
import threading
from collections.abc import Callable
from typing import Any

from refold.actors.dispatch.actor import Actor, Envelope, build, refuse
from refold.actors.dispatch.choices import Aim, Choices, Victim
from refold.actors.dispatch.choosers import Chooser, RandomChooser
from refold.actors.dispatch.faults import Crash, Livelock, ProcessDied
from refold.actors.dispatch.flight import Channel, Flight
from refold.actors.dispatch.port import ActorFailed, WorkFailed
from refold.actors.dispatch.seat import Outcome, Seat, Stage
from refold.actors.dispatch.story import Entry, digest, tell_story

OUTSIDE, START, TIMER, WORK, CRASH = "*outside", "*start", "*timer", "*work", "*crash"
START_NS = 1_767_225_600 * 10**9
"""Where virtual time begins unless told otherwise: the first of January 2026."""


class Stepper:
    """`chooser` defaults to a random one of this seed; ids and draws come from the seed in any case.

    `faults` is how many faults may be chosen: an actor crashes between messages or at a `point`, a timer
    fires while mail is under way, and with `process_faults` the whole process dies at a `point`.
    `aim(actor, label)` needs no luck: it says what dies at a point, actor, process or None.
    """

    def __init__(  # noqa: PLR0913 - options, all of them named
        self,
        seed: int = 0,
        chooser: Chooser | None = None,
        *,
        start_ns: int = START_NS,
        faults: int = 0,
        process_faults: bool = False,
        aim: Aim | None = None,
    ) -> None:
        chooser = chooser if chooser is not None else RandomChooser(seed)
        self._choices = Choices(chooser, faults, process_faults=process_faults, aim=aim)
        self.trace = self._choices.trace
        self.steps = 0
        self.dead_letters = 0
        self.ready: list[Channel] = []
        """What the benign ways of the present step are, for choosers that give channels priorities."""
        self._random = random.Random(f"ids of {seed}")  # noqa: S311 - repeatable on purpose
        self._now_ns = start_ns
        self._thread = threading.get_ident()
        self._entries: list[Entry] = []
        self._source = OUTSIDE  # who acts: a name, or one of the words above
        self._fallen: Crash | None = None
        self._died = False
        self._begin()

    def _begin(self) -> None:
        self._seats: dict[str, Seat | queue.SimpleQueue[object]] = {}
        self._flight = Flight()
        self._busy_keys: set[str] = set()

    # The port -----------------------------------------------------------------------------------------

    def spawn(self, name: str, make: Callable[[], Actor], *, supervisor: str | None = None) -> None:
        self._fence()
        if name not in self._seats:
            seat = self._seats[name] = Seat(self, name, make, supervisor)
            self._start(seat)

    def restart(self, name: str) -> None:
        self._fence()
        seat = self._seats.get(name)
        if isinstance(seat, Seat) and seat.stage is Stage.FAILED:
            self._start(seat)

    def retire(self, name: str) -> None:
        self._fence()
        seat = self._seats.pop(name, None)
        if isinstance(seat, Seat):
            seat.stage = Stage.RETIRED
        for envelope in self._flight.forget(name, but=WORK):
            self._refuse(envelope)

    def tell(self, name: str, message: object) -> None:
        self.point("tell")
        self.deliver(name, Envelope(message))

    def at(self, key: str, when_ns: int, name: str, message: object) -> None:
        self._fence()
        self._flight.at(key, when_ns, name, message)

    def perform(self, key: str, work: Callable[[], object], *, to: str) -> None:
        self.point("perform")
        if key not in self._busy_keys:
            self._busy_keys.add(key)
            self._flight.post(WORK, key, Envelope((work, to)))

    def now_ns(self) -> int:
        self._fence()
        return self._now_ns

    def new_id(self) -> str:
        self._fence()
        return f"{self._random.getrandbits(128):032x}"

    def draw(self) -> float:
        self._fence()
        return self._random.random()

    def point(self, label: str) -> None:
        self._fence()
        if self._source != OUTSIDE:
            work = self._source.startswith(WORK)
            if (victim := self._choices.victim(self._source, label, work=work)) is not None:
                self._fall(label, victim)

    # From outside -------------------------------------------------------------------------------------

    def listen(self, name: str) -> queue.SimpleQueue[object]:
        if name in self._seats:
            raise ValueError(f"{name} is taken")
        listener = self._seats[name] = queue.SimpleQueue[object]()
        return listener

    def names(self) -> tuple[str, ...]:
        return tuple(self._seats)

    @property
    def busy(self) -> bool:
        """Whether something can happen now, before the clock moves."""
        return bool(self._flight.ready(self._can_receive))

    def run(self, until: Callable[[], bool] | None = None, *, max_steps: int = 100_000) -> bool:
        """Step until `until` holds or nothing is left to do; return False if it never held."""
        for _ in range(max_steps):
            if until is not None and until():
                return True
            if not self.step():
                return until is None or until()
        raise Livelock(f"no end in {max_steps} steps")

    def step(self) -> bool:
        """Do one thing; return False when there is nothing to do. Raises `ProcessDied` if it died of it."""
        self.ready = ready = self._flight.ready(self._can_receive)
        timer = self._flight.next_ns
        if not ready and timer is None:
            return False
        self.steps += 1
        if not ready:
            self._fire()
        else:
            victims = self._living()
            choice = self._choices.pick(len(ready), len(victims) + (timer is not None))
            if choice < len(ready):
                self._carry_out(ready[choice])
            elif choice < len(ready) + len(victims):
                self._crash(victims[choice - len(ready)])
            else:
                self._fire()
        if self._died:
            self._died = False
            raise ProcessDied(f"at step {self.steps}")
        return True

    def crash_all(self) -> None:
        """Let the process die: every actor, letter, timer and piece of work is gone.

        The stepper can host the next process; its clock, ids and choices go on.
        """
        self._begin()
        self._remember(CRASH, "*process", None)

    def story(self) -> str:
        """Return what happened, a line per step, for reading."""
        return tell_story(self._entries)

    def digest(self) -> str:
        """Return a fingerprint of the run so far: equal runs have equal ones."""
        return digest(self._entries, self.trace, self._now_ns)

    # For seats ----------------------------------------------------------------------------------------

    def deliver(self, name: str, envelope: Envelope[Any]) -> None:
        self._fence()
        if name in self._seats:
            self._flight.post(self._source, name, envelope)
        else:
            self.dead_letters += 1
            self._refuse(envelope)

    def hand_out(self, outcome: Outcome) -> None:
        self._busy_keys.discard(outcome.key)

    # The scheduler ------------------------------------------------------------------------------------

    def _can_receive(self, channel: Channel) -> bool:
        source, target = channel
        if source in {START, WORK}:
            return True
        seat = self._seats.get(target)
        return not isinstance(seat, Seat) or seat.stage is Stage.IDLE

    def _living(self) -> list[Seat]:
        seats = self._seats.values() if self._choices.faults > 0 else ()
        return [seat for seat in seats if isinstance(seat, Seat) and seat.stage is Stage.IDLE]

    def _carry_out(self, channel: Channel) -> None:
        source, target = channel
        envelope = self._flight.take(channel)
        if source == WORK:
            work, to = envelope.message
            self._remember(source, target, None)
            self._work(target, work, to)
            return
        self._remember(source, target, envelope.message)
        match self._seats[target]:
            case Seat() as seat:
                if source != START:
                    seat.mail.append(envelope)
                self._turn(seat)
            case listener:
                listener.put(envelope.message)
                if isinstance(envelope, Outcome):
                    self.hand_out(envelope)

    def _turn(self, seat: Seat) -> None:
        self._source, seat.budget, failure = seat.name, 1, None
        try:
            if seat.actor is None:
                seat.actor = build(seat.make, seat)
            seat.actor.take_turns()
            failure = seat.actor.failure
        except BaseException as error:  # noqa: BLE001 - whatever `make` raises is the actor's failure
            failure = error
        failure, self._fallen = self._fallen or failure, None
        self._settle(seat, failure)
        self._source = OUTSIDE

    def _settle(self, seat: Seat, failure: BaseException | None) -> None:
        """Decide what follows a turn of `seat`, or its crash between two turns."""
        if self._seats.get(seat.name) is not seat:  # retired meanwhile, or gone with its process
            seat.actor = None
        elif failure is None:
            seat.stage = Stage.IDLE
            if seat.actor is not None and seat.actor.stopped:
                self.retire(seat.name)
        else:
            seat.actor, seat.stage = None, Stage.FAILED
            if seat.supervisor is not None:
                self.deliver(seat.supervisor, Envelope(ActorFailed.of(seat.name, failure)))
            elif isinstance(failure, Crash) or seat.rebuilds.allow(self._now_ns):
                self._start(seat)
            else:
                self.retire(seat.name)

    def _start(self, seat: Seat) -> None:
        seat.stage = Stage.QUEUED
        self._flight.post(START, seat.name, Envelope(None))

    def _work(self, key: str, work: Callable[[], object], to: str) -> None:
        self._source = f"{WORK} {key}"
        result: object
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - a failure is told
            result = WorkFailed.of(key, error)
        fallen, self._fallen = self._fallen, None
        if fallen is None and result is not None:
            self.deliver(to, Outcome(result, key))
        elif fallen is None:
            self._busy_keys.discard(key)
        self._source = OUTSIDE

    def _fire(self) -> None:
        """Let the next timer go off, with every other that is due at the same moment."""
        self._now_ns = max(self._now_ns, self._flight.next_ns or 0)
        self._source = TIMER
        for name, message in self._flight.due(self._now_ns):
            self.deliver(name, Envelope(message))
        self._source = OUTSIDE

    # Faults ------------------------------------------------------------------------------------------

    def _fence(self) -> None:
        if threading.get_ident() != self._thread:
            raise RuntimeError("a simulation has one thread: let `perform` do what takes long")
        if self._fallen is not None:
            raise self._fallen

    def _fall(self, label: str, victim: Victim) -> None:
        self._remember(CRASH, self._source, label)
        if victim == "process":
            self.crash_all()
            self._died = True
        self._fallen = Crash(label)
        raise self._fallen

    def _crash(self, seat: Seat) -> None:
        self._remember(CRASH, seat.name, "between messages")
        self._source = seat.name
        self._settle(seat, Crash("between messages"))
        self._source = OUTSIDE

    def _refuse(self, envelope: Envelope[Any]) -> None:
        if isinstance(envelope, Outcome):
            self._busy_keys.discard(envelope.key)
        refuse(envelope)

    def _remember(self, source: str, target: str, message: object) -> None:
        self._entries.append((self._now_ns, source, target, message))
