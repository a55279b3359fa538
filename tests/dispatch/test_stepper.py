"""The dispatcher of simulations: its contract, its determinism, and its faults."""

import contextlib
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import override

import pytest

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.choices import Aim, Victim
from refold.actors.dispatch.choosers import Chooser, RandomChooser, Replay
from refold.actors.dispatch.faults import Livelock, ProcessDied
from refold.actors.dispatch.port import ActorFailed, Dispatcher, Host
from refold.actors.dispatch.stepper import START_NS, Stepper
from refold.testing.dispatch_contract import DispatcherContract
from refold.testing.puppet import Puppet, do, fail

SEEDS = range(8)


class TestStepper(DispatcherContract):
    @pytest.fixture(params=SEEDS)
    def host(self, request: pytest.FixtureRequest) -> Stepper:
        return Stepper(request.param)

    @override
    def settle(self, host: Host) -> None:
        assert isinstance(host, Stepper)
        assert host.run(lambda: not host.busy)

    @override
    def receive(self, host: Host, heard: queue.SimpleQueue[object]) -> object:
        assert isinstance(host, Stepper)
        assert host.run(lambda: not heard.empty())
        return heard.get_nowait()


def puppets(stepper: Stepper, *names: str, supervisor: str | None = None) -> queue.SimpleQueue[object]:
    for name in names:
        stepper.spawn(name, partial(Puppet, stepper, name, "audience"), supervisor=supervisor)
    return stepper.listen("audience")


def once(label: str, victim: Victim) -> Aim:
    """Aim at the first point of that label."""
    left: list[Victim] = [victim]
    return lambda _, here: left.pop() if left and here == label else None


def heard(listener: queue.SimpleQueue[object]) -> list[object]:
    return [listener.get_nowait() for _ in range(listener.qsize())]


def test_the_plain_course_is_the_order_in_which_things_were_said() -> None:
    stepper = Stepper(chooser=Replay())
    audience = puppets(stepper, "one", "two")
    for number in range(6):
        stepper.tell(("one", "two")[number % 2], number)
    assert stepper.run()
    assert heard(audience) == [0, 1, 2, 3, 4, 5]


def test_seeds_find_every_order_in_which_mail_of_two_senders_can_arrive() -> None:
    def order(seed: int) -> tuple[object, ...]:
        stepper = Stepper(seed)
        audience = puppets(stepper, "one", "two")
        for name, message in (("one", "a"), ("one", "b"), ("two", "x")):
            stepper.tell(name, message)
        stepper.run()
        return tuple(heard(audience))

    assert {order(seed) for seed in range(100)} == {("a", "b", "x"), ("a", "x", "b"), ("x", "a", "b")}


def test_the_clock_jumps_to_the_next_timer_only_when_nothing_else_is_left() -> None:
    stepper = Stepper(chooser=Replay())
    audience = puppets(stepper, "one")
    stepper.at("key", START_NS + 10**9, "one", "tick")
    do(stepper, "one", lambda actor: actor.port.tell("audience", actor.port.now_ns() - START_NS))
    stepper.run()
    assert heard(audience) == [0, "tick"]
    assert stepper.now_ns() == START_NS + 10**9


def gossip(left: int) -> Callable[[Actor], None]:
    """Do a bit of everything: talk, chance, timers, work and places to crash."""

    def act(actor: Actor) -> None:
        actor.port.point("thinking")
        for peer in ("one", "two", "three"):
            if left and actor.port.draw() < 0.6:
                actor.port.tell(peer, gossip(left - 1))
        actor.port.at(f"{actor.name} {left}", actor.port.now_ns() + 1000 * left, actor.name, left)
        actor.port.perform(actor.port.new_id(), lambda: left, to=actor.name)

    return act


def game(seed: int, chooser: Chooser | None = None) -> Stepper:
    stepper = Stepper(seed, chooser or RandomChooser(seed, fault_rate=0.05), faults=3)
    puppets(stepper, "one", "two", "three")
    stepper.tell("one", gossip(4))
    stepper.tell("two", fail)
    assert stepper.run()
    return stepper


def test_equal_seeds_make_equal_runs_and_a_trace_replays_its_run() -> None:
    digests: set[str] = set()
    for seed in range(20):
        first = game(seed)
        assert first.story.tell() == game(seed).story.tell()
        assert first.digest() == game(seed, Replay(first.trace)).digest()
        digests.add(first.digest())
    assert len(digests) == 20


def test_a_run_is_the_same_under_every_hash_seed() -> None:
    command = [sys.executable, str(Path(__file__))]
    outputs = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, timeout=60
        ).stdout
        for seed in ("1", "4711")
    }
    assert len(outputs) == 1
    assert len(outputs.pop().split()) == 20


# Faults -----------------------------------------------------------------------------------------------


def test_a_crash_inside_a_handler_takes_its_message_and_leaves_the_mailbox() -> None:
    acted: list[str] = []

    def risky(actor: Actor) -> None:
        try:
            actor.port.tell("audience", "before")
            actor.port.point("in the middle")
            acted.append("after")
        finally:
            actor.port.tell("audience", "from the grave")
            acted.append("finally")

    stepper = Stepper(aim=once("in the middle", "actor"))
    audience, boss = puppets(stepper, "one", supervisor="boss"), stepper.listen("boss")
    for message in (risky, "next"):
        stepper.tell("one", message)
    stepper.run()
    (failed,) = heard(boss)
    assert isinstance(failed, ActorFailed)
    assert (failed.error, failed.message) == ("Crash", "in the middle")
    stepper.restart("one")
    stepper.run()
    assert heard(audience) == ["before", "next"]
    assert acted == []


def test_whoever_swallows_a_crash_is_dead_all_the_same() -> None:
    def stubborn(actor: Actor) -> None:
        with contextlib.suppress(BaseException):
            actor.port.point("here")

    stepper = Stepper(aim=once("here", "actor"))
    audience, boss = puppets(stepper, "one", supervisor="boss"), stepper.listen("boss")
    for message in (stubborn, "unheard"):
        stepper.tell("one", message)
    stepper.run()
    assert (len(heard(boss)), heard(audience)) == (1, [])


def test_a_crash_is_found_at_every_port_call_and_between_messages() -> None:
    def work(actor: Actor) -> None:
        actor.port.point("named")
        actor.port.tell("audience", 1)
        actor.port.perform("key", lambda: 2, to="audience")
        actor.port.at("key", actor.port.now_ns(), "audience", 3)
        actor.port.spawn("child", partial(Puppet, actor.port, "child", "audience"))
        actor.port.restart("child")
        actor.port.retire("child")

    places = ("named", "tell", "perform", "at", "spawn", "restart", "retire", "between messages")
    labels: set[str] = set()
    for seed in range(300):
        stepper = Stepper(seed, RandomChooser(seed, fault_rate=0.1), faults=1)
        puppets(stepper, "one")
        stepper.tell("one", work)
        stepper.run()
        labels |= {line.split("'")[1] for line in stepper.story.tell().splitlines() if "crashes" in line}
    assert labels == {f"crashes: {place}" for place in places}


def test_crashes_do_not_count_against_the_one_that_is_crashed() -> None:
    stepper = Stepper(chooser=RandomChooser(1, fault_rate=0.9), faults=20)
    audience = puppets(stepper, "one")
    for number in range(40):
        stepper.tell("one", number)
    stepper.run()
    assert stepper.names() == ("one", "audience")
    assert heard(audience)


def test_when_the_process_dies_only_what_was_stored_is_left_and_the_next_one_goes_on() -> None:
    stored: list[str] = []

    def commit(actor: Actor) -> None:
        stored.append(actor.port.new_id())
        actor.port.point("committed")
        actor.port.tell("audience", "acknowledged")

    stepper = Stepper(aim=once("committed", "process"))
    audience = puppets(stepper, "one")
    stepper.tell("one", commit)
    stepper.at("key", stepper.now_ns(), "one", "never")
    stepper.perform("work", lambda: None, to="audience")
    with pytest.raises(ProcessDied):
        stepper.run()
    assert (len(stored), stepper.names(), stepper.step()) == (1, (), False)
    audience = puppets(stepper, "one")
    stepper.tell("one", commit)
    assert stepper.run()
    assert heard(audience) == ["acknowledged"]
    assert len(set(stored)) == 2


def test_the_process_dies_by_chance_too_also_in_the_middle_of_work() -> None:
    def work(port: Dispatcher) -> str:
        port.point("half way")
        return "done"

    died = 0
    for seed in range(50):
        stepper = Stepper(seed, RandomChooser(seed, fault_rate=0.5), faults=1, process_faults=True)
        audience = stepper.listen("audience")
        stepper.perform("key", partial(work, stepper), to="audience")
        try:
            stepper.run()
        except ProcessDied:
            died += 1
            assert stepper.names() == ()
        else:
            assert heard(audience) == ["done"]
    assert 0 < died < 50


def test_a_timer_may_go_off_while_mail_is_under_way() -> None:
    firsts: set[object] = set()
    for seed in range(100):
        stepper = Stepper(seed, RandomChooser(seed, fault_rate=0.2), faults=1)
        audience = stepper.listen("audience")
        stepper.at("key", START_NS + 1, "audience", "timer")
        stepper.tell("audience", "mail")
        stepper.tell("audience", "mail")
        stepper.run()
        firsts.add(heard(audience)[0])
    assert firsts == {"timer", "mail"}


def test_a_loop_without_end_is_noticed() -> None:
    def forever(actor: Actor) -> None:
        actor.port.tell(actor.name, forever)

    stepper = Stepper()
    puppets(stepper, "one")
    stepper.tell("one", forever)
    with pytest.raises(Livelock):
        stepper.run(max_steps=100)


def interrupt(*_: object) -> Actor:
    raise KeyboardInterrupt


def have_work_interrupted(actor: Actor) -> None:
    actor.port.perform("work", interrupt, to="one")


@pytest.mark.parametrize("act", [interrupt, have_work_interrupted])
def test_whoever_interrupts_a_simulation_is_heard_in_a_handler_and_in_work(
    act: Callable[[Actor], object],
) -> None:
    stepper = Stepper()
    puppets(stepper, "one")
    stepper.tell("one", act)
    with pytest.raises(KeyboardInterrupt):
        stepper.run()


def test_whoever_interrupts_a_simulation_is_heard_while_an_actor_is_made() -> None:
    stepper = Stepper()
    stepper.spawn("one", interrupt)
    with pytest.raises(KeyboardInterrupt):
        stepper.run()


def test_another_thread_may_not_meddle() -> None:
    stepper, refused = Stepper(), queue.SimpleQueue[str]()

    def meddle() -> None:
        try:
            stepper.tell("one", 1)
        except RuntimeError as error:
            refused.put(str(error))

    thread = threading.Thread(target=meddle)
    thread.start()
    thread.join()
    assert "one thread" in refused.get_nowait()


if __name__ == "__main__":
    print(*(game(seed).digest() for seed in range(20)))  # noqa: T201 - read by the test above
