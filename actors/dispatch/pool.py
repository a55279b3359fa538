"""The real dispatcher: many actors take turns on a few threads."""

import queue
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from refold.actors.dispatch.actor import Actor, Envelope, build, refuse
from refold.actors.dispatch.clock import Clock
from refold.actors.dispatch.errands import Errands
from refold.actors.dispatch.port import ActorFailed, WorkFailed
from refold.actors.dispatch.seat import Outcome, Seat, Stage
from refold.actors.dispatch.timers import Timers
from refold.actors.logger import logger

BATCH = 16
"""Messages that one actor handles before the next one's turn."""

type Listener = queue.SimpleQueue[object]


class PoolDispatcher:
    """Turns on `workers` threads, work on up to `effects` more, timers on one.

    More workers buy no speed under the interpreter's lock; two keep a handler that blocks by mistake from
    stopping everybody. Each seat's lock guards its mail and stage, `_lock` everything else; whoever needs
    both takes `_lock` first, and nobody holds either while an actor acts. (One lock for all would be hot, and
    a hot lock under the interpreter's makes two workers several times slower than one.)
    """

    def __init__(
        self, workers: int = 2, *, effects: int = 1000, on_point: Callable[[str], None] | None = None
    ) -> None:
        self.dead_letters = 0
        self._on_point = on_point
        self._lock = threading.Lock()
        self._quiet = threading.Condition()
        self._watchers = 0
        self._moves = [0] * workers  # turns begun and ended, counted by each worker for itself
        self._works = 0  # under way
        self._seats: dict[str, Seat | Listener] = {}
        self._leaving: dict[str, Seat] = {}
        self._busy_keys: set[str] = set()
        self._closed = False
        self._clock = Clock()
        self._random = random.SystemRandom()
        self._runnable: queue.SimpleQueue[Seat | None] = queue.SimpleQueue()
        self._timers = Timers(self._clock.now_ns, self.tell)
        self._errands = Errands(effects)
        self._workers = [
            threading.Thread(target=self._work, args=(number,), name=f"actors-{number}", daemon=True)
            for number in range(workers)
        ]
        for worker in self._workers:
            worker.start()

    # The port -----------------------------------------------------------------------------------------

    def spawn(self, name: str, make: Callable[[], Actor], *, supervisor: str | None = None) -> None:
        with self._lock:
            if self._closed or name in self._seats:
                return
            seat = self._seats[name] = Seat(self, name, make, supervisor)
            if (leaving := self._leaving.get(name)) is None:
                self._runnable.put(seat)
            else:  # Two incarnations of a name never overlap: this one waits for the old one's last handler.
                leaving.successor = seat

    def restart(self, name: str) -> None:
        seat = self._seats.get(name)
        if isinstance(seat, Seat):
            with seat.lock:
                if seat.stage is Stage.FAILED:
                    self._queue(seat)

    def retire(self, name: str) -> None:
        self._retire(name)

    def tell(self, name: str, message: object) -> None:
        self.deliver(name, Envelope(message))

    def at(self, key: str, when_ns: int, name: str, message: object) -> None:
        self._timers.at(key, when_ns, name, message)

    def perform(self, key: str, work: Callable[[], object], *, to: str) -> None:
        with self._lock:
            if self._closed or key in self._busy_keys:
                return
            self._busy_keys.add(key)
            self._works += 1
        self._errands.run(lambda: self._perform(key, work, to))

    def now_ns(self) -> int:
        return self._clock.now_ns()

    def new_id(self) -> str:
        return uuid.uuid4().hex

    def draw(self) -> float:
        return self._random.random()

    def point(self, label: str) -> None:
        if self._on_point is not None:
            self._on_point(label)

    # From outside -------------------------------------------------------------------------------------

    def listen(self, name: str) -> queue.SimpleQueue[object]:
        with self._lock:
            if name in self._seats:
                raise ValueError(f"{name} is taken")
            listener: Listener = queue.SimpleQueue()
            self._seats[name] = listener
            return listener

    def names(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._seats)

    def quiesce(self, timeout_s: float | None = None) -> bool:
        """Wait until no actor has a turn to take and no work is under way; timers may still wait."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._quiet:
            self._watchers += 1
            try:
                while not self._is_quiet():
                    if deadline is not None and time.monotonic() >= deadline:
                        return False
                    self._quiet.wait(0.02)  # at most: a worker may have looked just before we began to watch
                return True
            finally:
                self._watchers -= 1

    def close(self, timeout_s: float = 5.0) -> bool:
        """Give no more turns and fire no more timers; say whether the threads ended in time.

        Work that runs is abandoned to its daemon threads.
        """
        with self._lock:
            self._closed = True
        self._errands.close()
        for _ in self._workers:
            self._runnable.put(None)
        threads = [*self._workers, *filter(None, [self._timers.close()])]
        others = [thread for thread in threads if thread is not threading.current_thread()]
        deadline = time.monotonic() + timeout_s
        for thread in others:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in others)

    # For seats ----------------------------------------------------------------------------------------

    def deliver(self, name: str, envelope: Envelope[Any]) -> None:
        while not self._closed and (seat := self._seats.get(name)) is not None:
            if not isinstance(seat, Seat):
                seat.put(envelope.message)
                break
            with seat.lock:
                if seat.stage is not Stage.RETIRED:
                    seat.mail.append(envelope)
                    if seat.stage is Stage.IDLE:
                        self._queue(seat)
                    return
            # It was retired between the look-up and the lock; its name may have a new bearer by now.
        else:
            with self._lock:
                self.dead_letters += 1
            refuse(envelope)
        if isinstance(envelope, Outcome):
            self.hand_out(envelope)

    def hand_out(self, outcome: Outcome) -> None:
        with self._lock:
            self._busy_keys.discard(outcome.key)

    # Seats --------------------------------------------------------------------------------------------

    def _queue(self, seat: Seat) -> None:
        seat.stage = Stage.QUEUED
        self._runnable.put(seat)

    def _retire(self, name: str, *, only: Seat | None = None) -> None:
        """Forget `name`, if given `only` while it still belongs to that seat."""
        with self._lock:
            seat = self._seats.get(name)
            if only is not None and seat is not only:
                return
            self._seats.pop(name, None)
            self._timers.forget(name)
            dropped = self._empty(seat) if isinstance(seat, Seat) else ()
        for envelope in dropped:
            refuse(envelope)

    def _empty(self, seat: Seat) -> Sequence[Envelope[Any]]:
        """Let a seat whose name is gone take no more mail; return what it had."""
        with seat.lock:
            if seat.stage is Stage.RUNNING:
                self._leaving[seat.name] = seat
            seat.stage = Stage.RETIRED
            dropped = list(seat.mail)
            seat.mail.clear()
        self._busy_keys.difference_update(letter.key for letter in dropped if isinstance(letter, Outcome))
        return dropped

    def _is_quiet(self) -> bool:
        """Whether nothing is going on: no turn is under way, and none was during this look."""
        with self._lock:
            moves = tuple(self._moves)
            if self._works or any(move % 2 for move in moves):
                return self._closed
            resting = {Stage.IDLE, Stage.FAILED}
            quiet = all(seat.stage in resting for seat in self._seats.values() if isinstance(seat, Seat))
            return self._closed or (quiet and moves == tuple(self._moves))

    # On the threads -----------------------------------------------------------------------------------

    def _work(self, number: int) -> None:
        while (seat := self._runnable.get()) is not None:
            self._moves[number] += 1
            self._turn(seat)
            self._moves[number] += 1
            self._stir()

    def _stir(self) -> None:
        if self._watchers:
            with self._quiet:
                self._quiet.notify_all()

    def _turn(self, seat: Seat) -> None:
        with seat.lock:
            if seat.stage is Stage.RETIRED or self._closed:
                return
            seat.stage = Stage.RUNNING
            seat.budget = BATCH
        failure: BaseException | None = None
        try:
            actor = seat.actor
            if actor is None:
                actor = seat.actor = build(seat.make, seat)
            actor.take_turns()
            failure = actor.failure
        except BaseException as error:  # noqa: BLE001 - whatever `make` raises is the actor's failure
            failure = error
        if failure is not None:
            seat.actor = None
            self._fail(seat, ActorFailed.of(seat.name, failure))
        elif seat.actor is not None and seat.actor.stopped:
            self._retire_and_leave(seat)
        elif not self._rest(seat, Stage.QUEUED if seat.mail else Stage.IDLE):
            self._leave(seat)

    def _fail(self, seat: Seat, failed: ActorFailed) -> None:
        if seat.supervisor is not None:
            if self._rest(seat, Stage.FAILED):
                self.tell(seat.supervisor, failed)
            else:
                self._leave(seat)
            return
        rebuilt = seat.rebuilds.allow(time.monotonic_ns())
        _log(failed, rebuilt=rebuilt)
        if not rebuilt:
            self._retire_and_leave(seat)
        elif not self._rest(seat, Stage.QUEUED):
            self._leave(seat)

    def _rest(self, seat: Seat, stage: Stage) -> bool:
        """End a turn at `stage`; False if the name was retired during it."""
        with seat.lock:
            if seat.stage is Stage.RETIRED:
                return False
            if stage is Stage.QUEUED or (stage is Stage.IDLE and seat.mail):
                self._queue(seat)
            else:
                seat.stage = stage
            return True

    def _retire_and_leave(self, seat: Seat) -> None:
        self._retire(seat.name, only=seat)
        self._leave(seat)

    def _leave(self, seat: Seat) -> None:
        """Let go of an actor whose name was retired, and let whoever waits for that name begin."""
        with self._lock:
            seat.actor = None
            self._leaving.pop(seat.name, None)
            if seat.successor is not None:
                self._runnable.put(seat.successor)
                seat.successor = None

    def _perform(self, key: str, work: Callable[[], object], to: str) -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - a failure is told, and the thread lives on
            result = WorkFailed.of(key, error)
        if result is not None:
            self.deliver(to, Outcome(result, key))
        with self._lock:
            self._works -= 1
            if result is None:
                self._busy_keys.discard(key)
        self._stir()


def _log(failed: ActorFailed, *, rebuilt: bool) -> None:
    """Say what no supervisor is told."""
    log = logger(actor=failed.name)
    if not rebuilt:
        log.error("actor retired", error=failed.error, message=failed.message, trace=failed.trace)
    else:
        log.warning("actor rebuilt", error=failed.error, message=failed.message, trace=failed.trace)
