"""The dispatcher of simulations: one thread, a virtual clock, one step after another, each of them chosen.

Mail in flight, timers, work and restarts are all steps, and every choice between them is a small number from
a `Chooser`: the same choices give the same run, on any machine and under any hash seed. Mail from one sender
to one receiver keeps its order; everything else may overtake.
"""

import queue
import random
from collections.abc import Callable
from threading import get_ident
from typing import Any

from refold.actors.dispatch.actor import Actor, Envelope, build, refuse
from refold.actors.dispatch.choices import Aim, Choices, Victim, Witness
from refold.actors.dispatch.choosers import Chooser, RandomChooser
from refold.actors.dispatch.faults import Crash, Livelock, ProcessDied, told
from refold.actors.dispatch.flight import START, WORK, Channel, Flight
from refold.actors.dispatch.port import WorkFailed
from refold.actors.dispatch.seat import Outcome, Seat, Stage
from refold.actors.dispatch.story import Story

OUTSIDE, TIMER = "*outside", "*timer"
START_NS = 1_767_225_600 * 10**9
"""Where virtual time begins unless told otherwise: the first of January 2026."""
LATE_NS = 600 * 10**9
"""How much later an outcome comes that comes late."""
JUMPS_NS = (60 * 10**9, 3600 * 10**9, -60 * 10**9)
"""How far a clock jumps that is set anew."""
TROUBLES = ("crash", "early", "jump", "death")
"""What can go wrong between two steps; the last only where processes may die."""


class Stepper:
    """`chooser` defaults to a random one of this seed; ids and draws come from the seed in any case.

    `faults` is how many faults may be chosen: an actor crashes between messages or at a `point`, a timer
    fires while mail is under way, an outcome comes late, the clock jumps, and with `process_faults` the whole
    process dies; and whatever a simulated part of the world asks of `mishap`.
    `aim(actor, label)` needs no luck: it says what dies at a point, actor, process or None. `witness` must
    not raise.
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
        witness: Witness | None = None,
    ) -> None:
        chooser = chooser if chooser is not None else RandomChooser(seed)
        self._choices = Choices(chooser, faults, process_faults=process_faults, aim=aim)
        self.trace = self._choices.trace
        self.steps = 0
        self.dead_letters = 0
        self.story = Story()
        self._witness = witness
        self._random = random.Random(f"ids of {seed}")  # noqa: S311 - repeatable on purpose
        self._now_ns = start_ns
        self._thread = get_ident()
        self._source = OUTSIDE  # who acts: a name, or a word that begins with a star
        self._victim, self._victims = self._choices.victim, self._choices.inside
        self._ways = len(TROUBLES) if process_faults else len(TROUBLES) - 1
        self._fallen: Crash | None = None
        self._died = False
        self._seats: dict[str, Seat | queue.SimpleQueue[object]] = {}
        self.clear()

    def clear(self) -> None:
        """Forget every name, letter, timer and piece of work.

        A seat and its actor hold each other: what is let go of here need not be looked for as garbage.
        """
        for seat in self._seats.values():
            if isinstance(seat, Seat):
                seat.actor = None
        self._seats = {}
        self._flight = Flight()
        self._busy_keys: set[str] = set()

    # The port -----------------------------------------------------------------------------------------

    def spawn(self, name: str, make: Callable[[], Actor], *, supervisor: str | None = None) -> None:
        self.point("spawn")
        if name not in self._seats:
            seat = self._seats[name] = Seat(self, name, make, supervisor)
            self._start(seat)

    def restart(self, name: str) -> None:
        self.point("restart")
        seat = self._seats.get(name)
        if isinstance(seat, Seat) and seat.stage is Stage.FAILED:
            self._start(seat)

    def retire(self, name: str) -> None:
        self.point("retire")
        self._retire(name)

    def tell(self, name: str, message: object) -> None:
        self.point("tell")
        self._post(name, Envelope(message))

    def at(self, key: str, when_ns: int, name: str, message: object) -> None:
        self.point("at")
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
        if self._fallen is not None or get_ident() != self._thread:
            self._fence()
        source = self._source
        if source is not OUTSIDE:
            victim = self._victim(source, label, self._victims)
            if victim is not None:
                self._fall(label, victim)

    # From outside -------------------------------------------------------------------------------------

    def listen(self, name: str) -> queue.SimpleQueue[object]:
        if name in self._seats:
            raise ValueError(f"{name} is taken")
        listener = self._seats[name] = queue.SimpleQueue[object]()
        return listener

    def names(self) -> tuple[str, ...]:
        return tuple(self._seats)

    def mishap(self, label: str, *ways: str) -> str | None:
        """Return in which of these ways something goes wrong now, or None: as a rule, it does not.

        For whoever simulates a part of the world; asked at `label`, and paid for as every fault.
        """
        self._fence()
        choice = self._choices.trouble(len(ways), "touch")
        if not choice:
            return None
        self.story.strike(self._now_ns, label, ways[choice - 1])
        return ways[choice - 1]

    @property
    def faults(self) -> int:
        """How many faults may yet be chosen; set it to 0 and all goes well from now on."""
        return self._choices.faults

    @faults.setter
    def faults(self, left: int) -> None:
        self._choices.faults = left

    @property
    def busy(self) -> bool:
        """Whether something can happen now, before the clock moves."""
        return bool(self._flight.ready())

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
        ready = self._flight.ready()
        if not ready and self._flight.next_ns is None:
            return False
        self.steps += 1
        if trouble := self._choices.trouble(self._ways, "step"):
            self._trouble(TROUBLES[trouble - 1])
        elif ready:
            count = len(ready)
            self._carry_out(ready[0 if count == 1 else self._choices.choose(count, ready)])
        else:
            self._fire()
        if self._died:
            self._died = False
            raise ProcessDied(f"at step {self.steps}")
        return True

    def living(self) -> dict[str, Actor]:
        """Return the actors that are between two messages."""
        return {
            name: seat.actor
            for name, seat in self._seats.items()
            if isinstance(seat, Seat)
            and seat.stage is Stage.IDLE
            and seat.actor is not None
            and name != self._source
        }

    def letters(self, source: str, target: str) -> list[object]:
        """Return what is under way from one name to another."""
        return self._flight.letters((source, target))

    def crash_all(self) -> None:
        """Let the process die: every actor, letter, timer and piece of work is gone.

        The stepper can host the next process; its clock, ids and choices go on.
        """
        if self._witness is not None:
            self._witness(self.living())
        self.clear()
        self.story.strike(self._now_ns, "*process", "dies")

    def digest(self) -> str:
        """Return a fingerprint of the run so far: equal runs have equal ones."""
        return self.story.digest(self.trace, self._now_ns)

    # For seats ----------------------------------------------------------------------------------------

    def deliver(self, name: str, envelope: Envelope[Any]) -> None:
        self._fence()
        self._post(name, envelope)

    def hand_out(self, outcome: Outcome) -> None:
        self._busy_keys.discard(outcome.key)

    # The scheduler ------------------------------------------------------------------------------------

    def _post(self, name: str, envelope: Envelope[Any]) -> None:
        if name in self._seats:
            self._flight.post(self._source, name, envelope)
        else:
            self.dead_letters += 1
            self._refuse(envelope)

    def _carry_out(self, channel: Channel) -> None:
        source, target = channel
        envelope = self._flight.take(channel)
        if source == WORK:
            work, to = envelope.message
            self.story.add(self._now_ns, source, target, None)
            self._work(target, work, to)
            return
        self.story.add(self._now_ns, source, target, envelope.message)
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
            actor = seat.actor
            if actor is None:
                actor = seat.actor = build(seat.make, seat)
            actor.take_turns()
            failure, actor.failure = actor.failure, None
        except BaseException as error:  # noqa: BLE001 - whatever `make` raises is the actor's failure
            failure = error
        if failure is not None and isinstance(failure, KeyboardInterrupt):
            raise failure  # Whoever watches has had enough: no actor died of that.
        failure, self._fallen = self._fallen or failure, None
        if failure is not None or seat.stage is not Stage.IDLE or seat.actor is None or seat.actor.stopped:
            self._settle(seat, failure)
        failure = None  # Its trace holds this frame, and this frame would hold it.
        self._source = OUTSIDE

    def _settle(self, seat: Seat, failure: BaseException | None) -> None:
        """Decide what follows a turn of `seat`, or its crash between two turns."""
        if self._seats.get(seat.name) is not seat:  # retired meanwhile, or gone with its process
            seat.actor = None
        elif failure is None:
            seat.stage = Stage.IDLE
            self._flight.barred.discard(seat.name)
            if seat.actor is not None and seat.actor.stopped:
                self._retire(seat.name)
        else:
            seat.actor, seat.stage = None, Stage.FAILED
            self._flight.barred.add(seat.name)
            if seat.supervisor is not None:
                self.deliver(seat.supervisor, Envelope(told(seat.name, failure)))
            elif isinstance(failure, Crash) or seat.rebuilds.allow(self._now_ns):
                self._start(seat)
            else:
                self._retire(seat.name)

    def _retire(self, name: str) -> None:
        seat = self._seats.pop(name, None)
        if isinstance(seat, Seat):
            seat.stage, seat.actor = Stage.RETIRED, None
        for envelope in self._flight.forget(name):
            self._refuse(envelope)

    def _start(self, seat: Seat) -> None:
        seat.stage = Stage.QUEUED
        self._flight.barred.add(seat.name)
        self._flight.post(START, seat.name, Envelope(None))

    def _work(self, key: str, work: Callable[[], object], to: str) -> None:
        self._source, self._victims = f"{WORK} {key}", self._choices.at_work
        result: object
        try:
            result = work()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a failure is told
            result = None if self._fallen is not None else WorkFailed.of(key, error)
        fallen, self._fallen = self._fallen, None
        if fallen is None and result is not None:
            outcome = Outcome(result, key)
            if self.mishap(key, "late"):
                self._flight.at(f"late {key}", self._now_ns + LATE_NS, WORK, (to, outcome))
            else:
                self.deliver(to, outcome)
        elif fallen is None:
            self._busy_keys.discard(key)
        fallen = None  # As in `_turn`.
        self._source, self._victims = OUTSIDE, self._choices.inside

    def _fire(self) -> None:
        """Let the next timer go off, with every other that is due at the same moment."""
        self._now_ns = max(self._now_ns, self._flight.next_ns or 0)
        self._source = TIMER
        for name, message in self._flight.due(self._now_ns):
            match message:
                case (str(to), Outcome() as outcome) if name == WORK:
                    self.deliver(to, outcome)
                case _:
                    self.deliver(name, Envelope(message))
        self._source = OUTSIDE

    # Faults ------------------------------------------------------------------------------------------

    def _fence(self) -> None:
        if get_ident() != self._thread:
            raise RuntimeError("a simulation has one thread: let `perform` do what takes long")
        if self._fallen is not None:
            raise self._fallen

    def _trouble(self, trouble: str) -> None:
        """Let something go wrong between two steps."""
        match trouble:
            case "early" if self._flight.next_ns is not None:
                self.story.strike(self._now_ns, TIMER, "goes off early")
                self._fire()
            case "jump":
                jump_ns = JUMPS_NS[self._choices.choose(len(JUMPS_NS))]
                self.story.strike(self._now_ns, "*clock", f"jumps by {jump_ns // 10**9} s")
                self._now_ns += jump_ns
            case "death":
                self.crash_all()
                self._died = True
            case _:
                if living := self.living():
                    self._crash(tuple(living)[self._choices.choose(len(living))])

    def _fall(self, label: str, victim: Victim) -> None:
        self.story.strike(self._now_ns, self._source, f"crashes: {label}")
        if victim == "process":
            self.crash_all()
            self._died = True
        elif self._witness is not None:
            self._witness(self.living())
        self._fallen = Crash(label)
        raise self._fallen

    def _crash(self, name: str) -> None:
        if self._witness is not None:
            self._witness(self.living())
        self.story.strike(self._now_ns, name, "crashes: between messages")
        self._source = name
        match self._seats[name]:
            case Seat() as seat:
                self._settle(seat, Crash("between messages"))
            case _:
                pass
        self._source = OUTSIDE

    def _refuse(self, envelope: Envelope[Any]) -> None:
        if isinstance(envelope, Outcome):
            self._busy_keys.discard(envelope.key)
        refuse(envelope)
