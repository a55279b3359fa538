"""Sessions on one log with one dispatcher: how each is started, claimed, told things and let go."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from threading import RLock
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from refold.actors.controller.actor import ControllerActor, Models
from refold.actors.delegation.actor import DelegationActor
from refold.actors.delegation.reporter import ReporterActor
from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import Dispatcher
from refold.actors.drive import Drive
from refold.actors.memory.actor import MemoryActor, Sources
from refold.actors.runner.masker import Masker
from refold.actors.runtime.actor import RuntimeActor
from refold.actors.runtime.port import HandsPort, OnGlimpse
from refold.actors.security.port import Analysts
from refold.actors.session.actor import SessionActor
from refold.actors.session.commands import ClaimSession, Command, StartSession
from refold.actors.session.due import configuration_digest
from refold.actors.session.evolve import fold
from refold.actors.session.followers import Followers
from refold.actors.session.messages import (
    SYSTEM,
    Fenced,
    Submit,
    controller_name,
    delegation_name,
    memory_name,
    reporter_name,
    runtime_name,
    session_name,
)
from refold.actors.session.state import Life, State, initial_state
from refold.actors.supervisor import OnTrouble, Supervisor, Trouble
from refold.eventlog.events import SessionClaimed, SessionStarted
from refold.eventlog.log import EventLog


class Identity(Struct, frozen=True, kw_only=True):
    """Who drives: what a claim says of its process."""

    host: str
    pid: int
    process_started: int
    code: str


class Edges(Protocol):
    """Everything outside that sessions touch, behind ports."""

    @property
    def models(self) -> Models: ...

    @property
    def sources(self) -> Sources: ...

    @property
    def analysts(self) -> Analysts:
        """Who assesses actions before they are decided about."""
        ...

    def hands(self, stream: str) -> HandsPort: ...

    def masker(self, stream: str) -> Masker | None:
        """Return what knows the session's secrets, before it is driven; None when it has none."""
        ...

    def on_glimpse(self, stream: str) -> OnGlimpse | None:
        """Return who is shown the output of a running command."""
        ...


_NAMES = (session_name, controller_name, memory_name, runtime_name, delegation_name, reporter_name)


def _ignore(_: Trouble) -> None:
    pass


class Sessions:
    """None of these calls blocks: what comes of a command is told to its `reply_to` as a `Reply`."""

    def __init__(
        self,
        port: Dispatcher,
        log: EventLog,
        edges: Edges,
        identity: Identity,
        on_trouble: OnTrouble = _ignore,
    ) -> None:
        self.port, self.log, self._edges, self._identity = port, log, edges, identity
        self._driven: dict[str, str] = {}
        """The sessions that are driven here, each with the command that claimed it."""
        self._leaving: set[str] = set()
        """Those in which nothing new begins: they are fenced, or being let go of."""
        self._lock = RLock()
        """Held by whoever changes either: outsiders, the system and delegations, each on its own thread."""
        self._on_trouble = on_trouble
        births = count()
        port.spawn(SYSTEM, lambda: Supervisor(port, self._trouble, self._names(), rebuilt=next(births) > 0))

    def start(self, stream: str, fact: SessionStarted, *, reply_to: str | None = None) -> str:
        """Start a new session; its first commit holds its whole start, and the claim of this process."""
        state = State(life=Life(settings=fact.settings))
        command = StartSession(
            id=self.port.new_id(), at=self.port.now_ns(), by="user", fact=fact, claim=self._claim(state)
        )
        return self._drive(stream, replace(state.life, epoch=1), (command,), reply_to)

    def claim(self, stream: str, *commands: Command, reply_to: str | None = None) -> str:
        """Take up a session where it stands; from the commit on, every older driver is refused.

        `commands` are committed with the claim, before anything is acted on.
        """
        state = self.state(stream)
        fact = self._claim(state)
        claim = ClaimSession(id=self.port.new_id(), at=self.port.now_ns(), by="system", fact=fact)
        return self._drive(stream, replace(state.life, epoch=fact.epoch), (claim, *commands), reply_to)

    def tell(self, stream: str, command: Command, *, reply_to: str | None = None) -> None:
        """Hand a command to a session that this process drives."""
        self.port.tell(session_name(stream), Submit(command=command, reply_to=reply_to))

    def let_go(self, stream: str) -> None:
        """Forget a session's actors, and those of its delegates; the log keeps everything."""
        with self._lock:
            self._retire(stream)  # First: it could adopt them again.
            self._retire_delegates(stream)

    def drives(self, stream: str) -> bool:
        return stream in self._driven

    @contextmanager
    def driving(self, stream: str, claim: str) -> Iterator[bool]:
        """Say whether `claim` is in force here; that does not change before the context is left."""
        with self._lock:
            yield self._driven.get(stream) == claim and stream not in self._leaving

    def ready(self, stream: str, claim: str) -> Callable[[], None]:
        """Prepare all that driving a session takes; return what then has it driven."""
        return self._ready(stream, self.state(stream).life, claim, None)

    def state(self, stream: str, *, until: int | None = None) -> State:
        """Fold the stream, to a version or to its end; raises `StreamUnknown`."""
        return fold(initial_state(), self.log.read(stream, until=until, check=False))

    def _claim(self, state: State) -> SessionClaimed:
        identity = self._identity
        return SessionClaimed(
            epoch=state.life.epoch + 1,
            host=identity.host,
            pid=identity.pid,
            process_started=identity.process_started,
            code=identity.code,
            configuration=configuration_digest(state),
        )

    def _drive(self, stream: str, life: Life, commands: tuple[Command, ...], reply_to: str | None) -> str:
        *before, command = commands
        opening = Submit(command=command, before=tuple(before), reply_to=reply_to)
        self._ready(stream, life, commands[0].id, opening)()
        return command.id

    def _ready(self, stream: str, life: Life, claim: str, opening: Submit | None) -> Callable[[], None]:
        port, log, drive = self.port, self.log, Drive(self.port, self, stream, claim)
        followers = Followers(port, drive.spawn, self._followers(stream, life, drive))
        masker = self._edges.masker(stream)

        def begin() -> None:
            with self._lock:
                self.let_go(stream)  # Whoever drove it here before belongs to an older epoch.
                port.spawn(
                    session_name(stream),
                    lambda: SessionActor(port, stream, log, life.epoch, claim, opening, followers, masker),
                    supervisor=SYSTEM,
                )
                self._driven[stream] = claim  # Not before: who dies of spawning it is to spawn it again.

        return begin

    def _retire(self, stream: str) -> None:
        self._leaving.add(stream)
        for name in _NAMES:
            self.port.retire(name(stream))
        self._driven.pop(stream, None)  # Not before: who dies of retiring half of them is to go on.
        self._leaving.discard(stream)

    def _retire_delegates(self, stream: str) -> None:
        for each in [name for name in self._driven if name.startswith(f"{stream}~")]:
            self._retire(each)

    def _names(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(map(session_name, self._driven))

    def _trouble(self, trouble: Trouble) -> None:
        if isinstance(trouble, Fenced):
            with self._lock:
                if self._driven.get(trouble.stream) != trouble.claim:
                    return  # It was let go of meanwhile, and may be driven under another claim.
                self._leaving.add(trouble.stream)
                self._retire_delegates(trouble.stream)  # They are another driver's with it.
        self._on_trouble(trouble)

    def _followers(self, stream: str, life: Life, drive: Drive) -> dict[str, Callable[[State], Actor]]:
        port, log, edges = self.port, self.log, self._edges
        hands, settings = edges.hands(stream), life.settings
        make: dict[str, Callable[[State], Actor]] = {
            memory_name(stream): lambda met: MemoryActor(port, stream, log, met, edges.sources, edges.models),
            runtime_name(stream): lambda met: RuntimeActor(
                port, stream, log, met, hands, edges.on_glimpse(stream)
            ),
            controller_name(stream): lambda met: ControllerActor(
                port, stream, log, met, edges.models, edges.analysts
            ),
        }
        if settings is not None and settings.agents and settings.delegation_depth > 0:
            make[delegation_name(stream)] = lambda met: DelegationActor(port, stream, log, met, drive)
        if life.parent is not None:
            make[reporter_name(stream)] = lambda met: ReporterActor(port, stream, log, met, hands)
        return make
