"""Rule 22: a bug of ours ends in `error` with its class on record and nothing open, and a message goes on."""

from typing import TYPE_CHECKING, override

import pytest

from refold.actors.dispatch.port import ActorFailed
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import says
from refold.actors.models.port import Model, OnGlimpse
from refold.actors.session.commands import Command, PauseAgent, ReportObservation, ResumeAgent, SendMessage
from refold.actors.session.decide import Foreseen, foresee
from refold.actors.session.due import due
from refold.actors.session.state import State
from refold.actors.session.verify import verify
from refold.actors.sessions import Sessions
from refold.eventlog.actions import Action
from refold.eventlog.events import (
    AskAbandoned,
    MessageReceived,
    ModelAsked,
    ObservationRecorded,
    RecallRecorded,
    SessionFaulted,
    SessionStarted,
    Unknown,
)
from refold.eventlog.log import Append, Entry
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import Observation, OutcomeUnknown
from refold.eventlog.record import Given
from refold.eventlog.settings import Price, Settings
from refold.testing.crash import IDENTITY, STREAM
from refold.testing.world import SmallHands, SmallWorld
from tests.behaviour.scenes import FINISH, RUN, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from refold.actors.supervisor import Trouble


class Broken(SmallWorld):
    """A world one part of which raises while it is broken."""

    def __init__(self, part: str) -> None:
        super().__init__([says("", RUN, RUN), says("", FINISH)])
        self.part: str | None = part

    def breaks(self, part: str) -> None:
        if self.part == part:
            raise ZeroDivisionError(f"a bug in {part}")

    @override
    def way_to_runner(self, stream: str) -> "BrokenHands":
        return BrokenHands(self)

    @override
    def model(self, settings: Settings) -> Model:
        self.breaks("model")
        return super().model(settings)

    @override
    def price(self, settings: Settings) -> Price | None:
        self.breaks("price")
        return super().price(settings)

    @override
    def workspace(self, settings: Settings, text: str, now_ns: int, place: str = "") -> RecallRecorded:
        self.breaks("sources")
        return super().workspace(settings, text, now_ns, place)

    @override
    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:
        self.breaks("sources")
        return super().knowledge(settings, text, shown)


class BrokenHands(SmallHands):
    def __init__(self, world: Broken) -> None:
        super().__init__(world)
        self._broken = world

    @override
    def execute(
        self, key: str, digest: str, action: Action, *, started_in: str, on_glimpse: OnGlimpse | None = None
    ) -> Observation:
        self._broken.breaks("hands")
        return super().execute(key, digest, action, started_in=started_in, on_glimpse=on_glimpse)


class Played:
    """One session on the stepper, with what troubles it."""

    def __init__(self, world: SmallWorld, seed: int = 0) -> None:
        self.troubles: list[Trouble] = []
        self.world, self.stepper, self.log = world, Stepper(seed), MemoryLog(id=bytes(16))
        self.sessions = Sessions(self.stepper, self.log, world, IDENTITY, self.troubles.append)

    def start(self) -> State:
        self.sessions.start(STREAM, SessionStarted(settings=settings(), task="do it"))
        return self.run()

    def say(self, text: str) -> State:
        said = SendMessage(id=text, at=self.stepper.now_ns(), by="user", fact=MessageReceived(content=text))
        self.sessions.tell(STREAM, said)
        return self.run()

    def run(self) -> State:
        self.stepper.run(max_steps=20_000)
        return self.sessions.state(STREAM)

    def of[E](self, kind: type[E]) -> list[E]:
        return [record.event for record in self.log.read(STREAM) if isinstance(record.event, kind)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("part", ["model", "price", "sources", "hands"])
def test_b22_a_bug_at_an_edge_ends_in_error_and_a_message_goes_on(part: str, seed: int) -> None:
    world = Broken(part)
    played = Played(world, seed)
    state = played.start()
    assert state.agent.state == "error"
    (fault,) = played.of(SessionFaulted)
    assert "ZeroDivisionError" in f"{fault.error} {fault.message}"
    assert part in fault.message
    assert due(state) == ()
    assert state.hands.open == ()
    world.part = None
    assert played.say("try again").agent.state == "finished"
    assert verify(played.log, STREAM).divergence is None


def test_b22_a_bug_that_stays_is_recorded_once_per_message_and_never_spins() -> None:
    played = Played(Broken("sources"))
    assert played.start().agent.state == "error"
    assert played.say("again").agent.state == "error"
    assert played.say("and again").agent.state == "error"
    assert len(played.of(SessionFaulted)) == 3


def test_b22_a_bug_in_the_hands_answers_what_ran_with_unknown_and_what_waited_with_not_executed() -> None:
    played = Played(Broken("hands"))
    played.start()
    first, second = [event.observation for event in played.of(ObservationRecorded)]
    assert isinstance(first, OutcomeUnknown)
    assert "Not executed" in second.content


def test_b22_a_bug_while_asking_gives_the_ask_up_and_counts_it() -> None:
    played = Played(Broken("model"))
    state = played.start()
    assert len(played.of(AskAbandoned)) == len(played.of(ModelAsked)) == 1
    assert state.agent.ask is None


def test_b22_a_bug_in_a_decider_ends_in_error_and_a_message_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(SmallWorld([says("", RUN), says("", FINISH)]))

    def buggy(state: State, command: Command) -> Foreseen:
        if isinstance(command, ReportObservation):
            raise ZeroDivisionError("a bug in deciding")
        return foresee(state, command)

    monkeypatch.setattr("refold.actors.session.actor.foresee", buggy)
    assert played.start().agent.state == "error"
    (fault,) = played.of(SessionFaulted)
    assert (fault.error, fault.message) == ("ZeroDivisionError", "a bug in deciding")
    monkeypatch.undo()
    assert played.say("try again").agent.state == "finished"
    assert len(played.of(ObservationRecorded)) == 2


def test_b22_a_bug_in_taking_a_record_in_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    from refold.actors.controller.actor import ControllerActor  # noqa: PLC0415

    taken: Callable[..., None] = ControllerActor.on_record

    def buggy(self: ControllerActor, record: object) -> None:
        if type(record.event).__name__ == "RecallRecorded":  # type: ignore[attr-defined]
            raise ZeroDivisionError("a bug in folding")
        taken(self, record)

    monkeypatch.setattr(ControllerActor, "on_record", buggy)
    played = Played(SmallWorld([says("", FINISH)]))
    assert played.start().agent.state == "error"
    monkeypatch.undo()
    assert played.say("try again").agent.state == "finished"


def test_b22_a_stream_that_cannot_be_folded_is_readable_and_never_driven() -> None:
    played = Played(SmallWorld([says("hello")]))
    state = played.start()
    entry = Entry(
        given=Given(id="newer", kind="Newer", at=0, by="system"), events=(Unknown(name="Newer", fields={}),)
    )
    played.log.commit(Append(stream=STREAM, expected=state.version, epoch=1, entries=(entry,)))
    end = played.log.end
    played.sessions.claim(STREAM)
    played.run()
    assert played.log.end == end
    (trouble,) = played.troubles
    assert isinstance(trouble, ActorFailed)
    assert "newer version of Refold" in trouble.message
    assert len(list(played.log.read(STREAM))) == end


def test_b22_a_launch_that_fails_is_an_error_a_person_can_act_on() -> None:
    world = SmallWorld([says("", FINISH)])
    world.launches_fail = 1
    played = Played(world)
    state = played.start()
    assert state.agent.state == "error"
    assert played.of(SessionFaulted) == []
    assert played.say("now it works").agent.state == "finished"
    assert [message.content for message in played.of(MessageReceived)] == ["do it", "now it works"]


def test_b25_an_outcome_that_was_not_wanted_for_a_moment_is_sought_again() -> None:
    """A launch fails while the session is paused for just so long: on resume it is tried again."""
    for seed in range(12):
        world = SmallWorld([says("", FINISH)])
        world.launches_fail = 1
        played = Played(world, seed)
        played.sessions.start(STREAM, SessionStarted(settings=settings(), task="do it"))
        played.stepper.run(lambda played=played: played.log.end > 0)  # type: ignore[misc]
        for number in range(1 + seed % 4):
            played.sessions.tell(STREAM, _pause(number))
            played.sessions.tell(STREAM, ResumeAgent(id=f"resume {number}", at=0))
        state = played.run()
        if state.agent.state == "error":
            state = played.say("go on")
        assert state.agent.state == "finished", (seed, state.agent.state)


def _pause(number: int) -> PauseAgent:
    return PauseAgent(id=f"pause {number}", at=0)
