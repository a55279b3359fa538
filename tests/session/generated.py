"""Sessions of every kind, made by running random plans on the stepper, with what was held live meanwhile."""

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import Line, ScriptedModel, says
from refold.actors.runtime.port import HandsLost, Listing, Prepared
from refold.actors.session.commands import (
    ChangeSettings,
    CloseSession,
    Command,
    ConfirmActions,
    ContinueAgent,
    PauseAgent,
    RejectActions,
    ResumeAgent,
    SendMessage,
    StopAgent,
)
from refold.actors.session.evolve import evolve
from refold.actors.session.messages import Fault, session_name
from refold.actors.session.show import Glance
from refold.actors.session.state import State, initial_state
from refold.actors.sessions import Identity, Sessions
from refold.eventlog.actions import Action
from refold.eventlog.events import (
    MessageReceived,
    ModelAnswered,
    ModelFailed,
    RecallRecorded,
    RuntimeConnected,
    RuntimeFailed,
    SessionStarted,
    SettingsChanged,
    ToolsListed,
)
from refold.eventlog.log import Append, Appended, LogError, OnCommitted
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import Failure, Observation, RunOutput, SkillLoaded
from refold.eventlog.record import Record
from refold.eventlog.risk import Assessment, Risk
from refold.eventlog.settings import ConfirmationPolicy, Price, Settings
from refold.eventlog.usage import Usage

STREAM = "session"
CODE = "code-1"
IDENTITY = Identity(host="host", pid=7, process_started=1, code=CODE)

type Turn = tuple[str, int]
"""What a person does, and how many steps everything else then takes."""

VERBS = (
    "say", "pause", "resume", "stop", "close", "continue", "confirm", "reject", "claim", "budget", "model",
    "fault", "confirm", "confirm", "say",
)  # fmt: skip


class Plan(Struct, frozen=True):
    """A session to be: what the model says, what the world answers, what a person does and when."""

    seed: int
    confirm: ConfirmationPolicy
    iterations_max: int
    task: str | None
    lines: tuple[str, ...]
    world: tuple[str, ...]
    turns: tuple[Turn, ...]
    faults: int = 0
    """How many actors may crash, at any moment."""


PLANS = st.builds(
    Plan,
    seed=st.integers(0, 1000),
    confirm=st.sampled_from(["never", "never", "always", "risky", "unknown"]),
    iterations_max=st.sampled_from([12, 12, 2]),
    task=st.sampled_from(["do it", "do it", None]),
    lines=st.lists(
        st.sampled_from(["run", "run", "two", "think", "edit", "nope", "text", "limit", "fail", "finish"]),
        min_size=3,
        max_size=10,
    ).map(tuple),
    world=st.lists(st.sampled_from(["ok", "ok", "ok", "error", "lost", "refuse"]), max_size=8).map(tuple),
    turns=st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 60)), max_size=8).map(tuple),
    faults=st.integers(0, 3),
)


CONFIRMED = Plan(
    1, "always", 9, "do it", ("two", "run", "finish"), (), (("confirm", 200), ("confirm", 200), ("say", 200))
)


class WitnessLog(MemoryLog):
    """Remembers what its writer was handed, undecoded, and what there was to see at that very moment."""

    def __init__(self) -> None:
        super().__init__(id=b"w" * 16)
        self.states: dict[str, list[State]] = {}
        self.shown: dict[str, list[dict[str, Any]]] = {}
        self._glances: dict[str, Glance] = {}

    def append(self, *appends: Append, on_committed: OnCommitted) -> None:
        def told(result: Appended | LogError) -> None:
            if isinstance(result, Appended) and not result.again:
                for record in result.records:
                    self._see(record)
            on_committed(result)

        super().append(*appends, on_committed=told)

    def damage(self, position: int) -> None:
        """Change one bit of a stored record, in its body."""
        stored = self._stored[position]
        self._stored[position] = stored[:-40] + bytes([stored[-40] ^ 1]) + stored[-39:]

    def lose(self, stream: str, version: int) -> None:
        """Forget that a version was there."""
        del self._streams[stream][version]

    def _see(self, record: Record) -> None:
        states = self.states.setdefault(record.stream, [initial_state()])
        states.append(evolve(states[-1], record.event, record.version))
        glance = self._glances.setdefault(record.stream, Glance())
        glance.add(record)
        self.shown.setdefault(record.stream, []).append(glance.shown())


class World:
    """The edges of a plan. `carried_out` counts what was done, by key: nothing may be done twice."""

    def __init__(self, plan: Plan) -> None:
        self._model = ScriptedModel([_line(kind) for kind in plan.lines])
        self._world = list(plan.world)
        self._answers: dict[str, Observation] = {}
        self.carried_out: dict[str, int] = {}

    @property
    def models(self) -> "World":
        return self

    @property
    def sources(self) -> "World":
        return self

    @property
    def analysts(self) -> "World":
        return self

    def missing(self, settings: Settings) -> None:
        del settings

    def assess(
        self, settings: Settings, wanted: Sequence[Action | None], directory: str
    ) -> tuple[Assessment | None, ...]:
        del settings, directory
        risks: tuple[Risk, ...] = ("low", "medium", "high", "unknown")
        return tuple(
            None if action is None else Assessment(risk=risks[crc32(repr(action).encode()) % 4])
            for action in wanted
        )

    def model(self, settings: Settings) -> ScriptedModel:
        del settings
        return self._model

    def price(self, settings: Settings) -> Price | None:
        return settings.price

    def glimpses(self, stream: str) -> None:
        del stream

    def on_glimpse(self, stream: str) -> None:
        del stream

    def masker(self, stream: str) -> None:
        del stream

    def hands(self, stream: str) -> "World":
        del stream
        return self

    def prepare(self, key: str, settings: Settings) -> Prepared:
        del key, settings
        return Prepared(ok=True, detail="")

    def workspace(self, settings: Settings, text: str, now_ns: int, place: str = "") -> RecallRecorded:
        del settings, text, place
        return RecallRecorded(recall="workspace_context", content=f"date: {now_ns}", sources=("AGENTS.md",))

    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:
        del settings, shown
        return RecallRecorded(recall="knowledge", content=f"about {text}")

    def folders(self, settings: Settings, paths: tuple[str, ...]) -> RecallRecorded:
        del settings
        return RecallRecorded(recall="knowledge", content="rules", sources=paths)

    def skill(self, settings: Settings, name: str) -> SkillLoaded | Failure:
        del settings
        return SkillLoaded(content=f"how to {name}", source=f"{name}/SKILL.md")

    def connect(
        self, settings: Settings, *, epoch: int, incarnation: str
    ) -> RuntimeConnected | RuntimeFailed:
        if self._next() == "refuse":
            return RuntimeFailed(reason="no sandbox today")
        return RuntimeConnected(incarnation=incarnation, sandbox=settings.sandbox, epoch=epoch)

    def execute(
        self,
        key: str,
        digest: str,
        action: Action,
        *,
        started_in: str,
        on_glimpse: Callable[[str], None] | None = None,
    ) -> Observation:
        del digest, started_in, on_glimpse
        if key in self._answers:
            return self._answers[key]
        what = self._next()
        if what == "lost":
            raise HandsLost("it went away")
        self.carried_out[key] = self.carried_out.get(key, 0) + 1
        done = RunOutput(content=f"{type(action).__name__} done", exit_code=0)
        self._answers[key] = Failure(content="it does not work") if what == "error" else done
        return self._answers[key]

    def acknowledge(self, key: str) -> None:
        del key

    def end(self) -> None:
        pass

    def interrupt(self, key: str) -> None:
        del key

    def find_tools(self, settings: Settings) -> Listing:
        del settings
        return Listing(ToolsListed())

    def _next(self) -> str:
        return self._world.pop(0) if self._world else "ok"


class Made(Struct, frozen=True):
    """A session that was run as planned, on the stepper and log that it ran on."""

    stepper: Stepper
    log: WitnessLog
    sessions: Sessions
    world: World


def make(plan: Plan) -> Made:
    """Run a plan to where nothing happens any more."""
    stepper, log, world = Stepper(plan.seed, faults=plan.faults), WitnessLog(), World(plan)
    sessions = Sessions(stepper, log, world, IDENTITY)
    made = Made(stepper, log, sessions, world)
    settings = Settings(
        model="script:lines",
        workspace="/w",
        sandbox="local",
        confirm=plan.confirm,
        iterations_max=plan.iterations_max,
        price=Price(prompt=1.0, completion=2.0),
    )
    sessions.start(STREAM, SessionStarted(settings=settings, task=plan.task))
    stepper.run(lambda: log.head(STREAM) is not None)
    for verb, steps in plan.turns:
        _take_steps(stepper, steps)
        _do(made, verb)
    stepper.run()
    return made


def _take_steps(stepper: Stepper, steps: int) -> None:
    for _ in range(steps):
        if not stepper.step():
            return


def _do(made: Made, verb: str) -> None:
    """Do what a person does, whether it makes sense now or not."""
    if verb == "claim":
        made.stepper.run()
        made.sessions.let_go(STREAM)
        made.sessions.claim(STREAM)
    elif verb == "fault":
        made.stepper.tell(session_name(STREAM), Fault(error="ValueError", message="ours"))
    else:
        made.sessions.tell(STREAM, _command(made, verb, made.stepper.new_id(), made.stepper.now_ns()))


def _command(made: Made, verb: str, id_: str, at: int) -> Command:
    match verb:
        case "say":
            return SendMessage(id=id_, at=at, by="user", fact=MessageReceived(content=f"hear me {id_[:4]}"))
        case "pause":
            return PauseAgent(id=id_, at=at, by="user")
        case "resume":
            return ResumeAgent(id=id_, at=at, by="user")
        case "stop":
            return StopAgent(id=id_, at=at, by="user")
        case "close":
            return CloseSession(id=id_, at=at, by="user", reason="enough")
        case "continue":
            return ContinueAgent(id=id_, at=at, by="user", iterations=5, budget_usd=0.5)
        case "confirm":
            digest = made.log.shown[STREAM][-1]["approval"]
            return ConfirmActions(id=id_, at=at, by="user", digest=digest or "")
        case "reject":
            return RejectActions(id=id_, at=at, by="user", reason="no")
        case "budget":
            return ChangeSettings(
                id=id_, at=at, by="user", fact=SettingsChanged(budget_usd=0.1, confirm="never")
            )
        case _:
            return ChangeSettings(id=id_, at=at, by="user", fact=SettingsChanged(model="script:other"))


def _line(kind: str) -> Line:
    line = _bare_line(kind)
    return replace(line, cost_usd=0.02) if isinstance(line, ModelAnswered) else line


def _bare_line(kind: str) -> ModelAnswered | ModelFailed:
    used = Usage(prompt=1000, completion=100, cached=10, reasoning=5)
    match kind:
        case "run":
            return says("look", ("execute_bash", {"command": "ls"}), usage=used)
        case "two":
            return says(
                "", ("execute_bash", {"command": "a"}), ("execute_bash", {"command": "b"}), usage=used
            )
        case "think":
            return says("", ("think", {"thought": "hm"}), ("execute_bash", {"command": "c"}), usage=used)
        case "edit":
            edit = {"command": "create", "path": "x", "file_text": "y"}
            return says("", ("str_replace_editor", edit), usage=used)
        case "nope":
            return says("", ("nope", {}), ("execute_bash", {"command": "d"}), usage=used)
        case "text":
            return says("what now?", usage=used)
        case "limit":
            return ModelFailed(fault="rate_limit", message="slow down", retry_after_s=2.0)
        case "fail":
            return ModelFailed(fault="authentication", message="who are you")
        case _:
            return says("", ("finish", {"message": "done"}), usage=used)
