"""The real dispatcher: its contract, and what only threads can get wrong."""

import queue
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, override

import pytest
from structlog import reset_defaults
from structlog.testing import capture_logs

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.clock import Clock
from refold.actors.dispatch.errands import Errands
from refold.actors.dispatch.pool import PoolDispatcher
from refold.actors.dispatch.port import ActorFailed, Dispatcher, Host
from refold.actors.dispatch.seat import REBUILDS_MAX
from refold.testing.dispatch_contract import DispatcherContract
from refold.testing.puppet import Puppet, do, fail

WAIT_S = 20.0


@pytest.fixture
def host() -> Iterator[PoolDispatcher]:
    dispatcher = PoolDispatcher()
    yield dispatcher
    assert dispatcher.close(WAIT_S)


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let threads interrupt each other at almost every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


class TestPoolDispatcher(DispatcherContract):
    @override
    def settle(self, host: Host) -> None:
        assert isinstance(host, PoolDispatcher)
        assert host.quiesce(WAIT_S)

    @override
    def receive(self, host: Host, heard: queue.SimpleQueue[object]) -> object:
        return heard.get(timeout=WAIT_S)


class Adder(Actor):
    """Counts in a book that outlives it, as a log would."""

    def __init__(self, port: Dispatcher, name: str, book: Counter[object]) -> None:
        super().__init__(port, name)
        self._book = book
        self._inside = 0

    @override
    def on_receive(self, message: Any) -> object:
        self._inside += 1
        assert self._inside == 1, "two threads in one actor"
        self._inside -= 1
        if message[1] % 100 == 7:
            raise ValueError(message)
        self._book[message] += 1
        return None


class Boss(Actor):
    @override
    def on_receive(self, message: ActorFailed) -> object:
        self.port.restart(message.name)
        return None


@pytest.mark.usefixtures("hasty")
def test_many_senders_and_many_failures_lose_nothing_but_the_poison(host: PoolDispatcher) -> None:
    names, senders, each = [f"adder-{number}" for number in range(8)], 4, 2_000
    books: dict[str, Counter[object]] = {name: Counter() for name in names}
    host.spawn("boss", lambda: Boss(host, "boss"))
    for name in names:
        host.spawn(name, partial(Adder, host, name, books[name]), supervisor="boss")

    def send(sender: int) -> None:
        for number in range(each):
            host.tell(names[number % len(names)], (sender, number))

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert host.quiesce(WAIT_S)
    handled = sum(books.values(), Counter[object]())
    expected = {(s, n) for s in range(senders) for n in range(each) if n % 100 != 7}
    assert set(handled) == expected
    assert set(handled.values()) == {1}
    assert host.dead_letters == 0


@pytest.mark.usefixtures("hasty")
def test_names_that_are_retired_and_spawned_under_fire_never_overlap(host: PoolDispatcher) -> None:
    inside: Counter[str] = Counter()
    overlaps: list[int] = []

    class Lone(Actor):
        @override
        def on_receive(self, message: object) -> object:
            inside["lone"] += 1
            if inside["lone"] != 1:
                overlaps.append(inside["lone"])
            inside["lone"] -= 1
            return None

    def fire() -> None:
        for number in range(3_000):
            host.tell("lone", number)

    threads = [threading.Thread(target=fire) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        host.spawn("lone", lambda: Lone(host, "lone"))
        host.retire("lone")
    host.spawn("lone", lambda: Lone(host, "lone"))
    assert host.quiesce(WAIT_S)
    assert overlaps == []


@pytest.mark.usefixtures("hasty")
def test_work_is_told_once_and_never_runs_twice_at_a_time_however_its_actor_fails(
    host: PoolDispatcher,
) -> None:
    at_once: Counter[str] = Counter()
    told: Counter[object] = Counter()
    runs: Counter[str] = Counter()

    def work(key: str) -> str:
        at_once[key] += 1
        runs[key] += 1
        assert at_once[key] == 1, "twice at a time"
        at_once[key] -= 1
        return key

    class Asker(Actor):
        """Asks for all its work at every rebirth, as one whose state says that it is due."""

        @override
        def on_start(self) -> None:
            for number in range(50):
                if not told[f"{self.name} {number}"]:
                    key = f"{self.name} {number}"
                    self.port.perform(key, partial(work, key), to=self.name)

        @override
        def on_receive(self, message: object) -> object:
            if message == "poison":
                raise ValueError(message)
            told[message] += 1
            return None

    host.spawn("boss", lambda: Boss(host, "boss"))
    for name in ("one", "two", "three"):
        host.spawn(name, partial(Asker, host, name), supervisor="boss")
    for _ in range(100):
        for name in ("one", "two", "three"):
            host.tell(name, "poison")
    assert host.quiesce(WAIT_S)
    assert len(told) == 150
    assert set(told.values()) == set(runs.values()) == {1}


def test_a_handler_that_blocks_does_not_stop_the_others(host: PoolDispatcher) -> None:
    audience, gate = host.listen("audience"), threading.Event()
    for name in ("stuck", "free"):
        host.spawn(name, partial(Puppet, host, name, "audience"))
    do(host, "stuck", lambda _: gate.wait(WAIT_S))
    host.tell("free", "through")
    assert audience.get(timeout=WAIT_S) == "through"
    gate.set()


def test_a_key_is_started_once_while_it_runs(host: PoolDispatcher) -> None:
    audience, gate, started = host.listen("audience"), threading.Event(), threading.Event()
    runs: list[int] = []

    def work() -> object:
        runs.append(1)
        started.set()
        gate.wait(WAIT_S)
        return "done"

    host.perform("key", work, to="audience")
    assert started.wait(WAIT_S)
    for _ in range(10):
        host.perform("key", work, to="audience")
    gate.set()
    assert audience.get(timeout=WAIT_S) == "done"
    assert host.quiesce(WAIT_S)
    assert (runs, audience.empty()) == ([1], True)


def test_as_much_work_blocks_at_once_as_there_is(host: PoolDispatcher) -> None:
    audience, meeting = host.listen("audience"), threading.Barrier(200)
    for number in range(200):
        host.perform(f"key {number}", lambda: meeting.wait(WAIT_S), to="audience")
    assert sorted(int(str(audience.get(timeout=WAIT_S))) for _ in range(200)) == list(range(200))


def test_work_above_the_limit_waits_for_a_thread_and_threads_are_reused() -> None:
    errands, gate, done = Errands(2), threading.Event(), queue.SimpleQueue[int]()

    def job(number: int) -> None:
        gate.wait(WAIT_S)
        done.put(number)

    for number in range(10):
        errands.run(partial(job, number))
    assert errands.threads == 2
    gate.set()
    assert sorted(done.get(timeout=WAIT_S) for _ in range(10)) == list(range(10))
    assert errands.threads == 2
    errands.close()


def test_after_close_nothing_happens_any_more() -> None:
    host = PoolDispatcher()
    audience = host.listen("audience")
    host.spawn("puppet", lambda: Puppet(host, "puppet", "audience"))
    host.at("key", host.now_ns() + 10**12, "puppet", "never")
    assert host.quiesce(WAIT_S)
    assert host.close(WAIT_S)
    host.tell("puppet", "unheard")
    host.spawn("late", lambda: Puppet(host, "late", "audience"))
    host.perform("late", lambda: "late", to="audience")
    assert audience.empty()
    assert (host.dead_letters, "late" in host.names()) == (1, False)


def test_an_actor_may_close_its_dispatcher() -> None:
    host, closed = PoolDispatcher(), queue.SimpleQueue[bool]()
    host.spawn("puppet", lambda: Puppet(host, "puppet", "audience"))
    do(host, "puppet", lambda _: closed.put(host.close(WAIT_S)))
    assert closed.get(timeout=WAIT_S)


def test_two_dispatchers_in_one_process_do_not_mix() -> None:
    hosts = [PoolDispatcher(1), PoolDispatcher(1)]
    heard = [host.listen("audience") for host in hosts]
    for number, host in enumerate(hosts):
        host.spawn("puppet", partial(Puppet, host, "puppet", "audience"))
        host.tell("puppet", number)
    assert [listener.get(timeout=WAIT_S) for listener in heard] == [0, 1]
    assert all(host.close(WAIT_S) for host in hosts)


def test_what_no_supervisor_is_told_is_logged(host: PoolDispatcher) -> None:
    reset_defaults()  # whatever an earlier test had logged, and how
    with capture_logs() as logged:
        host.spawn("puppet", lambda: Puppet(host, "puppet", "audience", fail))
        assert host.quiesce(WAIT_S)
    told = [entry["event"] for entry in logged if entry["log_level"] != "debug"]
    assert told == ["actor rebuilt"] * REBUILDS_MAX + ["actor retired"]


def test_time_follows_the_wall_clock_but_never_back() -> None:
    wall, steady = [1000], [0]
    clock = Clock(lambda: wall[0], lambda: steady[0])
    times: list[int] = []
    for wall[0], steady[0] in ((1000, 0), (1010, 10), (500, 20), (510, 30), (5000, 40)):
        times.append(clock.now_ns())
    assert times == [1000, 1010, 1020, 1030, 5000]


def test_points_are_shown_to_whoever_injects_faults() -> None:
    seen: list[str] = []
    host = PoolDispatcher(on_point=seen.append)
    host.spawn("puppet", lambda: Puppet(host, "puppet", "audience", lambda actor: actor.port.point("here")))
    assert host.quiesce(WAIT_S)
    assert seen == ["here"]
    assert host.close(WAIT_S)
