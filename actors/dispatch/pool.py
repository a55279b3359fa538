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

BATCH = 16
"""Messages that one actor handles before the next one's turn."""

type Listener = queue.SimpleQueue[object]


class PoolDispatcher:
    """Turns on `workers` threads, work on up to `effects` more, timers on one.

    More workers buy no speed under the interpreter's lock; two keep a handler that blocks by mistake from
    stopping everybody. One lock guards all bookkeeping and is never held while an actor acts.
    """

    def __init__(
        self, workers: int = 2, *, effects: int = 1000, on_point: Callable[[str], None] | None = None
    ) -> None:
        self.dead_letters = 0
        self._on_point = on_point
        self._lock = threading.Lock()
        self._quiet = threading.Condition(self._lock)
        self._seats: dict[str, Seat | Listener] = {}
        self._leaving: dict[str, Seat] = {}
        self._busy_keys: set[str] = set()
        self._active = 0  # seats queued or running, and work under way
        self._closed = False
        self._clock = Clock()
        self._random = random.SystemRandom()
        self._runnable: queue.SimpleQueue[Seat | None] = queue.SimpleQueue()
        self._timers = Timers(self._clock.now_ns, self.tell)
        self._errands = Errands(effects)
        self._workers = [
            threading.Thread(target=self._work, name=f"actors-{number}", daemon=True)
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
            self._active += 1
            if (leaving := self._leaving.get(name)) is None:
                self._runnable.put(seat)
            else:  # Two incarnations of a name never overlap: this one waits for the old one's last handler.
                if leaving.successor is not None:
                    self._rest()
                leaving.successor = seat

    def restart(self, name: str) -> None:
        with self._lock:
            seat = self._seats.get(name)
            if isinstance(seat, Seat) and seat.stage is Stage.FAILED:
                self._queue(seat)

    def retire(self, name: str) -> None:
        with self._lock:
            dropped = self._retire(name)
        for envelope in dropped:
            refuse(envelope)

    def tell(self, name: str, message: object) -> None:
        self.deliver(name, Envelope(message))

    def at(self, key: str, when_ns: int, name: str, message: object) -> None:
        self._timers.at(key, when_ns, name, message)

    def perform(self, key: str, work: Callable[[], object], *, to: str) -> None:
        """As the port says; a key counts as running until its outcome has been handed to `to`.

        So an actor that is rebuilt while the outcome lies in its mailbox does not start the work again.
        """
        with self._lock:
            if self._closed or key in self._busy_keys:
                return
            self._busy_keys.add(key)
            self._active += 1
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
        with self._lock:
            return self._quiet.wait_for(lambda: self._active == 0 or self._closed, timeout_s)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Give no more turns and fire no more timers; say whether the threads ended in time.

        Work that runs is abandoned to its daemon threads.
        """
        with self._lock:
            self._closed = True
            self._quiet.notify_all()
        self._errands.close()
        for _ in self._workers:
            self._runnable.put(None)
        threads = [*self._workers, *filter(None, [self._timers.close()])]
        deadline = time.monotonic() + timeout_s
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads if thread is not threading.current_thread())

    # For seats ----------------------------------------------------------------------------------------

    def deliver(self, name: str, envelope: Envelope[Any]) -> None:
        with self._lock:
            delivered = self._deliver(name, envelope)
        if not delivered:
            refuse(envelope)

    def hand_out(self, outcome: Outcome) -> None:
        with self._lock:
            self._busy_keys.discard(outcome.key)

    # Under the lock -----------------------------------------------------------------------------------

    def _deliver(self, name: str, envelope: Envelope[Any]) -> bool:
        seat = None if self._closed else self._seats.get(name)
        match seat:
            case None:
                self.dead_letters += 1
            case Seat():
                seat.mail.append(envelope)
                if seat.stage is Stage.IDLE:
                    self._queue(seat)
                return True
            case _:
                seat.put(envelope.message)
        if isinstance(envelope, Outcome):
            self._busy_keys.discard(envelope.key)
        return seat is not None

    def _queue(self, seat: Seat) -> None:
        seat.stage = Stage.QUEUED
        self._active += 1
        self._runnable.put(seat)

    def _rest(self) -> None:
        self._active -= 1
        if self._active == 0:
            self._quiet.notify_all()

    def _retire(self, name: str) -> list[Envelope[Any]]:
        seat = self._seats.pop(name, None)
        self._timers.forget(name)
        if not isinstance(seat, Seat):
            return []
        if seat.stage is Stage.RUNNING:
            self._leaving[name] = seat
        seat.stage = Stage.RETIRED
        dropped = list(seat.mail)
        seat.mail.clear()
        self._busy_keys.difference_update(letter.key for letter in dropped if isinstance(letter, Outcome))
        return dropped

    # On the threads -----------------------------------------------------------------------------------

    def _work(self) -> None:
        while (seat := self._runnable.get()) is not None:
            self._turn(seat)

    def _turn(self, seat: Seat) -> None:
        with self._lock:
            if seat.stage is Stage.RETIRED or self._closed:
                self._rest()
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
        hopeless = failure is not None and seat.supervisor is None and self._too_often(seat, failure)
        with self._lock:
            dropped = self._end_turn(seat, failure, hopeless=hopeless)
        for envelope in dropped:
            refuse(envelope)

    def _too_often(self, seat: Seat, failure: BaseException) -> bool:
        """Log a failure that no supervisor is told of, and say whether it was one too many."""
        rebuilt = seat.rebuilds.allow(time.monotonic_ns())
        _log(ActorFailed.of(seat.name, failure), rebuilt=rebuilt)
        return not rebuilt

    def _end_turn(
        self, seat: Seat, failure: BaseException | None, *, hopeless: bool
    ) -> Sequence[Envelope[Any]]:
        """Decide what follows a turn; return the mail that was dropped with its name."""
        dropped: Sequence[Envelope[Any]] = ()
        stopped = seat.actor is not None and seat.actor.stopped
        if failure is not None:
            seat.actor = None
        if seat.stage is Stage.RETIRED:
            pass
        elif hopeless or (stopped and failure is None):
            dropped = self._retire(seat.name)
        elif failure is not None and seat.supervisor is not None:
            seat.stage = Stage.FAILED
            self._deliver(seat.supervisor, Envelope(ActorFailed.of(seat.name, failure)))
        elif failure is not None or seat.mail:
            self._queue(seat)
        else:
            seat.stage = Stage.IDLE
        if seat.stage is Stage.RETIRED:
            self._leave(seat)
        self._rest()
        return dropped

    def _leave(self, seat: Seat) -> None:
        """Let go of an actor that was retired, and let whoever waits for its name begin."""
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
        with self._lock:
            if result is None:
                self._busy_keys.discard(key)
            else:
                self._deliver(to, Outcome(result, key))
            self._rest()


def _log(failed: ActorFailed, *, rebuilt: bool) -> None:
    """Say what no supervisor is told."""
    import structlog  # noqa: PLC0415 - paid for only by a process that has something to log

    logger = structlog.get_logger("refold.dispatch")
    logger.debug("actor failed", actor=failed.name, trace=failed.trace)
    if not rebuilt:
        logger.error("actor retired", actor=failed.name, error=failed.error, message=failed.message)
    else:
        logger.warning("actor rebuilt", actor=failed.name, error=failed.error, message=failed.message)
