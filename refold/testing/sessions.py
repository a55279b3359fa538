"""Simulated sessions: a whole session with its world and a person, watched by every law."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.faults import ProcessDied
from refold.actors.dispatch.stepper import Stepper
from refold.actors.follower import Follower
from refold.actors.memory.actor import Sources
from refold.actors.models.fake import Line, ScriptedModel
from refold.actors.runner.fake import Answer, obedient
from refold.actors.session.actor import SessionActor
from refold.actors.session.messages import Fenced, Submit, session_name
from refold.actors.session.verify import verify
from refold.actors.sessions import Sessions
from refold.eventlog.actions import Action
from refold.eventlog.events import AgentState, Event, SessionStarted
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import Observation
from refold.eventlog.record import Record
from refold.eventlog.settings import Price, Settings
from refold.testing.approvals import Approvals, concerned
from refold.testing.crash import IDENTITY, STREAM
from refold.testing.delegation import FamilyLaws
from refold.testing.disk import Disk
from refold.testing.forked import branch_off
from refold.testing.linear import check_commands
from refold.testing.minutes import Broken, Minutes
from refold.testing.own import Agent, Own, hold
from refold.testing.person import Person
from refold.testing.recordings import RECORDED, check_reenactment, lay_down
from refold.testing.rival import claim
from refold.testing.simulation import Run
from refold.testing.starting import Starting
from refold.testing.steps import forgets
from refold.testing.troubled import TroubledWorld
from refold.testing.verbs import Verb, command_of
from refold.testing.watched import Watched, named

if TYPE_CHECKING:
    from refold.actors.session.state import State
    from refold.actors.supervisor import Trouble
    from refold.testing.files import LogFile

SETTINGS = Settings(model="script:x", workspace="/w", sandbox="local")
VERIFIED_EVERY = 16
"""One in so many runs has every request built and every command decided again: as much work as the run."""
INSISTS_MAX = 30
"""A command that is not answered after so many times at rest is never answered."""

AT_REST: Mapping[AgentState, Verb] = MappingProxyType(
    {
        "awaiting_user_confirmation": "confirm",
        "awaiting_user_input": "say",
        "paused": "resume",
        "error": "continue",
        "stopped": "say",
    }
)
"""What a patient person does about a session that rests."""


class SessionScenario(Struct, frozen=True, kw_only=True):
    """A session: how it starts, what its model says, what the world answers, and what a person does.

    A person interjects up to `interjections_max` of `verbs`, at moments that the seed decides, and acts up to
    `encores` times, by `at_rest`, on a session that rests. `disk` makes the log: in memory by default.
    """

    name: str
    lines: tuple[Line, ...] = ()
    agent: Callable[[], Agent] | None = None
    """Makes an agent that answers in place of `lines`: anew for each process, with whom its memory dies."""
    settings: Settings = SETTINGS
    task: str | None = "do it"
    verbs: tuple[Verb, ...] = ()
    interjections_max: int = 0
    versions: int = 40
    """How far a session comes, about: interjections fall into these versions."""
    versions_of: Literal["session", "family"] = "session"
    """Whose versions: a `family` counts those of delegates, so that interjections fall into their work."""
    at_rest: Mapping[AgentState, Verb] = AT_REST
    encores: int = 3
    answers: Callable[[], Answer] = lambda: obedient
    """Makes what carries out actions, anew for each run: your tools, or a world that counts."""
    price: Price | None = None
    law: Callable[["SessionRun"], None] | None = None
    """Your own law, asked when all is over; raises `Broken`."""
    disk: Literal["memory", "lmdb"] = "memory"
    scripts: Mapping[str, tuple[Line, ...]] = MappingProxyType({})
    """What other models say, by their names; those not named here say `lines`."""
    recording: tuple[Event, ...] = ()
    """An imported stream that the session carries out again, in place of its task."""
    forks: bool = False
    """Whether it goes on from some version of another session, which is what this one would be."""
    pace: tuple[int, int] = (0, 0)
    """How many steps a commit takes, and then its acknowledgement: see `Disk`."""
    found: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """`found` are scripts that a start heeds; `secrets` what the world tries to say, and no record may."""
    memory: Callable[[], Sources] | None = None
    """Makes what memory finds; by default next to nothing."""

    def run(self, stepper: Stepper, seed: int) -> Run:
        return SessionRun(self, stepper, seed)

    def plan(self, seed: int) -> list[tuple[int, Verb]]:
        """Return after which versions the person does what, in order."""
        if not self.verbs:
            return []
        chance = Random(f"person of {seed}")  # noqa: S311 - repeatable on purpose
        count = chance.randrange(self.interjections_max + 1)
        return sorted((chance.randrange(self.versions), chance.choice(self.verbs)) for _ in range(count))


class SessionRun:
    """One session of one seed, with its delegates; `minutes` and `states` are the session's own."""

    answering: Answer  # What carries out actions, from the first process on.

    def __init__(self, scenario: SessionScenario, stepper: Stepper, seed: int) -> None:
        self.scenario, self.stepper = scenario, stepper
        self._own = own = Own(scenario.agent, scenario.answers, scenario.memory)
        answering = own.answer()
        self._faults = stepper.story.struck
        self.done: list[Action] = []
        """Every action that took effect, in order."""
        self._touched, self._fresh = list[str](), list[Record]()
        done, touched = self.done, self._touched  # Whoever held the run itself would be garbage with it.

        def answer(key: str, action: Action) -> Observation:
            touched.append(key)
            done.append(action)
            return answering(key, action)

        self.world = TroubledWorld(stepper, own.lines(scenario.lines), price=scenario.price, answer=answer)
        self.world.scripts.update(
            {name: ScriptedModel(own.lines(lines)) for name, lines in scenario.scripts.items()}
        )
        self.world.found, self.world.secrets = scenario.found, scenario.secrets
        self._file = _file() if scenario.disk == "lmdb" else None
        inner, reopen = (
            (MemoryLog(id=bytes(16)), None) if self._file is None else (self._file.log, self._file.reopen)
        )
        self.disk = Disk(
            stepper,
            inner,
            self._fresh.append,
            reopen=reopen,
            rival=lambda log, at: claim(log, STREAM, at, IDENTITY.code),
            pace=scenario.pace,
        )
        self._verified = seed % VERIFIED_EVERY == 0
        self._asks = concerned(scenario.settings) or "policy" in scenario.verbs
        self.streams: dict[str, Watched] = {}
        """Every stream there is, by its name: the session's own and those of its delegates."""
        self._family = FamilyLaws(self.streams, stepper)
        self.root = self._meet(STREAM)
        minutes = self.root.minutes
        self.person = Person(stepper, STREAM, lambda: minutes.version)
        self._sessions: Sessions | None = None
        self._plan = scenario.plan(seed)
        self._encores = scenario.encores
        self._insists = self._commands = self._asked = self._struck = self._let_go = 0
        self._seen: set[str] = set()
        self._broken: Broken | None = None
        self._troubles: list[Trouble] = []
        if scenario.forks:
            branch_off(self, seed)

    @property
    def minutes(self) -> Minutes:
        return self.root.minutes

    @property
    def states(self) -> "list[State]":
        return self.root.states

    # A run ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        self._own.begin()
        self.world.memory, self.answering = self._own.memory, self._own.answering
        self._sessions = sessions = Sessions(
            self.stepper, self.disk, self.world, IDENTITY, self._troubles.append
        )
        if self.disk.head(STREAM) is None:
            sessions.start(STREAM, self._beginning())
        else:
            sessions.claim(STREAM)
        self.person.arrive()

    def _beginning(self) -> SessionStarted:
        scenario = self.scenario
        if not scenario.recording:
            return SessionStarted(settings=scenario.settings, task=scenario.task)
        lay_down(self.disk.inner, scenario.recording)
        return SessionStarted(settings=scenario.settings, reenacts=RECORDED)

    def died(self) -> None:
        self._troubles.clear()
        self.disk.crash()
        self.look()

    def look(self) -> None:
        if len(self._faults) > self._struck:
            for fault in self._faults[self._struck :]:
                self._seen.add(f"{self.minutes.state.agent.state} ! {fault}")
            self._struck = len(self._faults)
        if self._fresh:
            self._take_fresh()
        if self._own.mistakes:
            raise self._own.mistakes[0]
        if self._broken is not None:
            raise self._broken
        if len(self.world.asked) > self._asked:
            self._check_asked()
        if len(self.world.let_go) > self._let_go:
            self._check_let_go()
        if self._troubles and any(isinstance(trouble, Fenced) for trouble in self._troubles):
            if not {"rival", "broken"} & set(self._faults):
                raise Broken("only_a_rival_or_a_broken_disk_ends_a_drive", str(self._troubles[-1]))
            self.stepper.crash_all()  # Nobody goes on with a session that is not theirs: the process ends.
            raise ProcessDied("another driver has the session, or the disk is gone")
        if not self.person.mail.empty():
            self.person.listen()
        while self._plan and self._version >= self._plan[0][0]:
            self._do(self._plan.pop(0)[1])

    @property
    def _version(self) -> int:
        if self.scenario.versions_of == "session":
            return self.minutes.version
        return sum(watched.minutes.version + 1 for watched in self.streams.values()) - 1

    def rest(self) -> bool:
        self.look()
        if self.person.waiting:
            if unheard := self.person.unheard():
                raise Broken("who_was_not_cut_off_is_answered", f"{unheard} wait in vain")
            self._insists += 1
            if self._insists > INSISTS_MAX:
                raise Broken("every_command_is_answered", f"{tuple(self.person.waiting)} is not")
            self.person.insist()
            return True
        if self._plan:
            self._do(self._plan.pop(0)[1])
            return True
        state = self.minutes.state
        if state.life.closed and self._sessions is not None:
            self._sessions.claim(STREAM)
            return True
        if self._approve():
            return True
        self._check_quiet()
        verb = self.scenario.at_rest.get(state.agent.state)
        if verb is None or self._encores <= 0:
            return False
        self._encores -= 1
        self._do(verb)
        return True

    def end(self) -> None:
        self._check_live(self.stepper.living())
        if self._broken is not None:
            raise self._broken
        check_commands(self.person.heard, self.states, self.minutes.commands - self.person.repeated)
        self._check_acknowledged()
        if self.scenario.recording:
            check_reenactment(self.disk.read(RECORDED), self.disk.read(STREAM))
        if self.scenario.law is not None:
            hold(self.scenario.law, self)
        for stream in self.streams if self._verified else ():
            verdict = verify(self.disk, stream, code=IDENTITY.code)
            if verdict.divergence is not None:
                raise Broken("deciding_again_decides_the_same", f"{stream}: {verdict.divergence}")

    def witness(self, actors: Mapping[str, Actor]) -> None:
        try:
            self._take_fresh()
            self._check_live(actors)
        except Broken as broken:
            self._broken = self._broken or broken

    def evidence(self) -> bytes:
        return b"".join(digest for watched in self.streams.values() for digest in watched.digests[-1:])

    def seen(self) -> Sequence[str]:
        return tuple(self._seen)

    def stored(self) -> Iterable[Record]:
        return self.disk.read_all(check=False)

    def close(self) -> None:
        if self._file is None:
            self.disk.close()
        else:
            self._file.close()

    # What is committed, and what is done to the world -----------------------------------------------------

    def _take_fresh(self) -> None:
        fresh = tuple(self._fresh)
        self._fresh.clear()
        for record in fresh:
            watched = self.streams.get(record.stream) or self._meet(record.stream)
            if record.given is not None:
                self._seen.add(f"{watched.minutes.state.agent.state} {record.given.kind}")
            self._family.before(record)
            watched.take(record)
        if fresh:
            self._family.between(fresh)
        touched = tuple(self._touched)
        self._touched.clear()
        for key in touched:
            stream, what = named(key)
            self.streams[stream].touch(what)

    def _meet(self, stream: str) -> Watched:
        runners, approvals = self.world.runner_of(stream), Approvals() if self._asks else None
        followed = self._verified or forgets(self.scenario.settings)
        starting = Starting(self.scenario.secrets, self._faults)
        watched = Watched(stream, runners, approvals, starting, conversation=followed)
        self.streams[stream] = watched
        return watched

    # A person ---------------------------------------------------------------------------------------------

    def _do(self, verb: Verb) -> None:
        self._commands += 1
        id_, at = f"person/{self._commands}", self.stepper.now_ns()
        self.person.say(command_of(verb, id_, at, self.minutes.state, self._commands))

    def _approve(self) -> bool:
        """Confirm what a delegate waits with; whoever drives its parent drives it."""
        for stream, watched in self.streams.items():
            state = watched.minutes.state
            if watched is self.root or state.agent.state != "awaiting_user_confirmation":
                continue
            if self._insists >= INSISTS_MAX:
                raise Broken("every_command_is_answered", f"{stream} hears no confirmation")
            self._insists += 1
            id_, at = f"person/{stream}/{self._insists}", self.stepper.now_ns()
            command = command_of("confirm", id_, at, state, 0)
            self.stepper.tell(session_name(stream), Submit(command=command))
            return True
        return False

    # Laws about more than one stream ----------------------------------------------------------------------

    def _check_asked(self) -> None:
        for request in self.world.asked[self._asked :]:
            if not any(request in watched.minutes.requests for watched in self.streams.values()):
                raise Broken("a_request_is_recorded_before_it_leaves", str(request))
        self._asked = len(self.world.asked)

    def _check_let_go(self) -> None:
        for key in self.world.let_go[self._let_go :]:
            stream, what = named(key)
            self.streams[stream].forget(what)
        self._let_go = len(self.world.let_go)

    def _check_quiet(self) -> None:
        self._take_fresh()
        agenda = self.disk.agenda()
        for stream, watched in self.streams.items():
            watched.check_quiet(agenda.get(stream, b""), calm=not self._faults)
        living = self.stepper.living()
        self._family.at_rest(living)
        self._check_abreast(living)

    def _check_live(self, actors: Mapping[str, Actor]) -> None:
        for name, actor in actors.items():
            if isinstance(actor, (Follower, SessionActor)):
                self.streams[name.rpartition("/")[0]].check_live(name, actor)

    def _check_abreast(self, actors: Mapping[str, Actor]) -> None:
        for name, actor in actors.items():
            if isinstance(actor, (Follower, SessionActor)):
                self.streams[name.rpartition("/")[0]].check_abreast(name, actor)

    def _check_acknowledged(self) -> None:
        """Hold design 4: what was acknowledged is in the log, as it was acknowledged."""
        for stream, watched in self.streams.items():
            watched.check_stored(self.disk.head(stream))
        for one in self.person.heard:
            for record in one.records:
                if self.root.digests[record.version] != record.digest:
                    raise Broken("what_is_acknowledged_is_stored", f"version {record.version} is not")


def _file() -> "LogFile":
    from refold.testing.files import LogFile  # noqa: PLC0415 - LMDB is loaded where it is used

    return LogFile()
