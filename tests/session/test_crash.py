"""A session that is killed anywhere finishes as one that was not: nothing lost, nothing done twice.

`REFOLD_SEEDS=5000` tries that many random schedules instead of a few.
"""

import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

import pytest

from refold.actors.dispatch.choices import Victim
from refold.actors.dispatch.choosers import Replay
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import says
from refold.actors.session.commands import SendMessage
from refold.actors.session.evolve import fold
from refold.actors.session.messages import NoRoom, Reply, RoomAgain, Submit, session_name
from refold.actors.session.state import initial_state
from refold.actors.session.verify import verify
from refold.actors.sessions import Sessions
from refold.eventlog.actions import Action
from refold.eventlog.events import (
    ActionProposed,
    MessageReceived,
    ModelAnswered,
    ModelFailed,
    ObservationRecorded,
    SessionStarted,
)
from refold.eventlog.log import Append, DiskFull, EventLog
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import OutcomeUnknown
from refold.eventlog.record import Record
from refold.eventlog.settings import Settings
from refold.testing.crash import IDENTITY, STREAM, Lived, live
from refold.testing.world import SmallWorld

if TYPE_CHECKING:
    from refold.actors.supervisor import Trouble

SEEDS = int(os.environ.get("REFOLD_SEEDS", "20"))
MANY = 1000
"""From so many seeds on, every single point has its turn, too."""
ACTORS = {"system", "session", "controller", "memory", "runtime"}
START = SessionStarted(settings=Settings(model="script:x", workspace="/w", sandbox="local"), task="do it")


def _run(token: str) -> tuple[str, dict[str, str]]:
    return "execute_bash", {"command": f"echo {token} >> tokens"}


def _lines() -> Iterator[ModelAnswered | ModelFailed]:
    for number in range(12):
        match number:
            case 3:
                yield ModelFailed(fault="rate_limit", message="slow down", retry_after_s=1.0)
            case 5:
                yield says("", _run("5a"), ("think", {"thought": "hm"}), _run("5b"), ("fly", {}))
            case 8:
                yield says("", ("fly", {}))
            case _:
                yield says(f"step {number}", _run(str(number)))
    yield says("", _run("12"), ("finish", {"message": "done"}))


LINES = tuple(_lines())
RUNS = 12


def commands(log: EventLog) -> list[Action]:
    return [record.event.action for record in log.read(STREAM) if isinstance(record.event, ActionProposed)]


def unkilled() -> Lived:
    return live(Stepper(chooser=Replay()), SmallWorld(LINES), START)


EXPECTED = commands(unkilled().log)


def check(lived: Lived, world: SmallWorld) -> None:
    """Hold all that is promised of a session that was killed on the way."""
    records = list(lived.log.read(STREAM))
    assert lived.state.agent.state == "finished", lived.state.agent
    assert commands(lived.log) == EXPECTED
    assert len(world.runner.effects) == RUNS
    assert set(world.runner.effects.values()) == {1}, world.runner.effects
    answered = [record.cause for record in records if isinstance(record.event, ObservationRecorded)]
    actions = [record.version for record in records if isinstance(record.event, ActionProposed)]
    assert sorted(actions) == sorted(cause for cause in answered if cause is not None)
    assert not [
        record
        for record in records
        if isinstance(record.event, ObservationRecorded)
        and isinstance(record.event.observation, OutcomeUnknown)
    ]
    _check_answers_are_acted_on(records)
    assert fold(initial_state(), lived.log.read(STREAM)) == lived.state
    assert verify(lived.log, STREAM, code=IDENTITY.code).divergence is None


def _check_answers_are_acted_on(records: list[Record]) -> None:
    """Each line of the script was accepted once: no answer that was committed is lost or asked for again."""
    accepted = [record.event for record in records if isinstance(record.event, ModelAnswered | ModelFailed)]
    assert [type(event) for event in accepted] == [type(line) for line in LINES]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_b44_a_driver_killed_at_random_moments_finishes_as_if_it_was_not(seed: int) -> None:
    world = SmallWorld(LINES)
    stepper = Stepper(seed, faults=1 + seed % 3, process_faults=True)
    check(live(stepper, world, START), world)


class _Points:
    """Counts the points that a run comes by, and lets somebody die at one of them."""

    def __init__(self, at: int = -1, victim: Victim = "process") -> None:
        self.seen: list[tuple[str, str]] = []
        self._at = at
        self._victim: Victim = victim

    def __call__(self, actor: str, label: str) -> Victim | None:
        self.seen.append((_who(actor), label))
        return self._victim if len(self.seen) - 1 == self._at else None


def _who(actor: str) -> str:
    """Return which actor it is, or which kind of work."""
    return actor.removeprefix("*work ").removeprefix(f"{STREAM}/").split("/")[0]


@cache
def _seen() -> list[tuple[str, str]]:
    points = _Points()
    live(Stepper(chooser=Replay(), aim=points), SmallWorld(LINES), START)
    return points.seen


def _places(*, of_actors: bool = False) -> list[int]:
    """Return the first and the last time that each comes by each point, and every nth of all of them."""
    seen = _seen()
    chosen = {seen.index(point) for point in seen}
    chosen |= {len(seen) - 1 - seen[::-1].index(point) for point in seen}
    chosen |= set(range(0, len(seen), 1 if SEEDS >= MANY else 31))
    return sorted(place for place in chosen if not of_actors or seen[place][0] in ACTORS)


@pytest.mark.parametrize("place", _places())
def test_b44_a_process_that_dies_at_any_point_is_taken_up_there(place: int) -> None:
    world = SmallWorld(LINES)
    lived = live(Stepper(chooser=Replay(), aim=_Points(place)), world, START)
    assert lived.deaths == 1
    check(lived, world)


@pytest.mark.parametrize("place", _places(of_actors=True))
def test_an_actor_that_crashes_at_any_point_is_rebuilt_there(place: int) -> None:
    world = SmallWorld(LINES)
    check(live(Stepper(chooser=Replay(), aim=_Points(place, "actor")), world, START), world)


@pytest.mark.parametrize("seed", range(SEEDS // 2))
def test_actors_that_crash_are_rebuilt_and_nothing_is_done_twice(seed: int) -> None:
    world = SmallWorld(LINES)
    lived = live(Stepper(seed, faults=3), world, START)
    assert lived.deaths == 0
    check(lived, world)


@pytest.mark.parametrize("seed", range(SEEDS // 4))
def test_a_command_that_is_sent_until_it_is_answered_is_carried_out_once(seed: int) -> None:
    world, stepper = SmallWorld(LINES), Stepper(seed, faults=3)
    said = SendMessage(id="said", at=0, by="user", fact=MessageReceived(content="and this"))

    def insist(sessions: Sessions) -> None:
        replies = stepper.listen("person")
        for _ in range(20):
            if not replies.empty():
                break
            sessions.tell(STREAM, said, reply_to="person")
            sessions.tell(STREAM, said, reply_to="person")
            stepper.run(lambda: not replies.empty() or not stepper.busy)
        reply = replies.get_nowait()
        assert isinstance(reply, Reply)
        assert reply.refused is None
        assert [record.type for record in reply.records][:1] == ["MessageReceived"]

    lived = live(stepper, world, START, between=insist)
    messages = [r.event.content for r in lived.log.read(STREAM) if isinstance(r.event, MessageReceived)]
    assert sorted(messages) == ["and this", "do it"]
    assert set(world.runner.effects.values()) == {1}


@pytest.mark.parametrize("mishap", ["lost_before", "lost_after", "lost_unsaid"])
@pytest.mark.parametrize("seed", range(4))
def test_a_runner_that_dies_leaves_an_unknown_outcome_and_nothing_runs_twice(seed: int, mishap: str) -> None:
    world = SmallWorld(LINES)
    key = f"{bytes(16).hex()}/{STREAM}/9"
    world.runner.mishaps[key] = mishap  # type: ignore[assignment]
    lived = live(Stepper(seed), world, START)
    assert lived.state.agent.state == "finished"
    observed = {
        r.cause: r.event.observation
        for r in lived.log.read(STREAM)
        if isinstance(r.event, ObservationRecorded)
    }
    assert set(world.runner.effects.values()) == {1}
    if mishap != "lost_unsaid":
        assert isinstance(observed[9], OutcomeUnknown)
    assert world.runner.effects[key] == (mishap != "lost_before")
    assert commands(lived.log) == EXPECTED


def test_a_full_disk_loses_nothing_and_goes_on_once_there_is_room() -> None:
    troubles: list[Trouble] = []
    log, world, stepper = MemoryLog(id=bytes(16)), SmallWorld(LINES), Stepper(1)
    sessions = Sessions(stepper, log, world, IDENTITY, troubles.append)
    sessions.start(STREAM, START)
    for version in (2, 20, 40):
        assert stepper.run(lambda version=version: log.end > version)  # type: ignore[misc]
        for _ in range(3):
            log.refuse_next(DiskFull("no room"))
    assert stepper.run()
    assert {type(trouble) for trouble in troubles} == {NoRoom, RoomAgain}
    check(Lived(log, sessions.state(STREAM), 0, stepper), world)


def test_a_rebuilt_session_learns_of_its_own_append_that_lands_later() -> None:
    """An append that was handed in before a crash of Session may be committed only after it was rebuilt."""
    log, world, stepper = _LateLog(), SmallWorld(LINES), Stepper(chooser=Replay())
    sessions = Sessions(stepper, log, world, IDENTITY)
    sessions.start(STREAM, START)
    crashes = 0
    while stepper.step() or log.waiting:
        if log.waiting and crashes < 3 and log.end > 15 * crashes:
            crashes += 1
            _crash(stepper, session_name(STREAM))
            while stepper.busy:
                stepper.step()
        log.let_in()
    assert crashes == 3
    check(Lived(log, sessions.state(STREAM), 0, stepper), world)


class _LateLog(MemoryLog):
    """Takes appends in at once and commits them when told."""

    def __init__(self) -> None:
        super().__init__(id=bytes(16))
        self.waiting: list[Callable[[], None]] = []

    def append(self, *appends: Append, on_committed: Callable[..., None]) -> None:
        self.waiting.append(lambda: super(_LateLog, self).append(*appends, on_committed=on_committed))

    def let_in(self) -> None:
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each()


def _crash(stepper: Stepper, name: str) -> None:
    """Have the actor of a name fail, as if its code had."""
    stepper.tell(name, _Bomb())


class _Bomb(Submit, frozen=True, kw_only=True):
    """A message that no handler survives."""

    command: None = None  # type: ignore[assignment]
