"""A home that is open for driving: sessions are started, resumed and steered here. Embedded, no server."""

import os
import queue
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self, Unpack

from refold import family
from refold.actors.controller.transitions import ENDED
from refold.actors.delegation.state import root_name
from refold.actors.dispatch.pool import PoolDispatcher
from refold.actors.session.commands import ChangeSettings, Command, ContinueAgent
from refold.actors.session.messages import Reply
from refold.actors.session.state import State
from refold.actors.sessions import Sessions
from refold.affording import affordable
from refold.beginning import begin, choose_sandbox, new_name
from refold.choices import Choices
from refold.closing import WITHIN_S, close_all
from refold.control import Answer, ControlServer
from refold.driver import driven_error
from refold.edges import Glimpse, RealEdges
from refold.errors import (
    CommandRefused,
    NotDriven,
    RefoldError,
    SessionBroken,
    SessionExists,
    SessionUnknown,
    WrongUsage,
)
from refold.eventlog.events import SessionStarted
from refold.eventlog.log import StreamUnknown, WrongVersion
from refold.eventlog.record import Record
from refold.home import Home, check_new, check_session
from refold.identity import identity
from refold.lock import DriverLock
from refold.session import Session
from refold.sound import check_task
from refold.troubles import ROOM_WAIT_S, Troubles

_REPLY_S = 60.0


class System:
    """One home, one log, any number of sessions driven by this process.

    `on_glimpse` is shown model text and command output while they arrive; nothing of it is stored.
    `on_point` is called at every point where a crash would be interesting, for fault injection.
    """

    def __init__(
        self,
        home: str | os.PathLike[str] | Home | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        on_glimpse: Glimpse | None = None,
        on_point: Callable[[str], None] | None = None,
    ) -> None:
        self.home = home if isinstance(home, Home) else Home(home)
        self.log = self.home.open_log()
        self.edges = RealEdges(
            self.home, scope=self.log.id.hex(), environment=environment, on_glimpse=on_glimpse
        )
        self._troubles = Troubles(self.home.path, self.edges.secrets.text)
        self._port = PoolDispatcher(on_point=on_point)
        self._sessions = Sessions(self._port, self.log, self.edges, identity(), self._troubles.note)
        self._driven: dict[str, tuple[DriverLock, ControlServer]] = {}
        self._closed = False

    # Sessions -----------------------------------------------------------------------------------------

    def start(
        self,
        task: str | None = None,
        *,
        session: str | None = None,
        model: str | None = None,
        sandbox: str | None = None,
        **choices: Unpack[Choices],
    ) -> Session:
        """Start a session on `task` and drive it from now on; without a task it awaits a message.

        `refold.choices` lists all that it may be told beside, `refold.beginning.begin` what holds by default.
        `model` defaults to `$REFOLD_MODEL`, the workspace to a new folder under the home, the sandbox to the
        best that works here. `refold.configure(FILE).configuration.options()` gives the keywords that a
        configuration stands for. `secrets` are names of environment variables, with what the agent is told of
        each if they are a mapping; the sandbox gets their values, and nothing is recorded or shown with one.
        A `repository` (an address or a path) is cloned into the workspace, which must be empty.
        `agent` is one of ours, one of `agents` or yours by `MODULE:NAME`; `agents` may be delegated to.
        Raises `SessionExists`, `SessionDriven`, `WrongUsage`; nothing was recorded then.
        """
        name = check_new(new_name() if session is None else session)
        if self.log.head(name) is not None:
            raise SessionExists(name)
        check_task(task)
        model = model or self.edges.environment.get("REFOLD_MODEL") or None
        if model is None:
            raise WrongUsage(
                "no model was named: pass openai/NAME, anthropic/NAME or script:FILE, or set REFOLD_MODEL"
            )
        settings = begin(self.home, name, model=model, sandbox=choose_sandbox(sandbox)[0], **choices)
        return self.launch(name, SessionStarted(settings=settings, task=task))

    def launch(self, session: str, fact: SessionStarted) -> Session:
        """Start a session with these settings and drive it from now on.

        Raises `SessionExists`, `SessionDriven`, `WrongUsage`; then nothing was recorded.
        """
        check_new(session)
        if self.log.head(session) is not None:
            raise SessionExists(session)
        self.edges.check(fact.settings)
        self.edges.check_runtime(session, fact.settings)
        with self._taking(session):
            self.edges.secrets.take(session, fact.settings)
            if fact.settings.workspace == str(folder := self.home.workspace(session)):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            reply = self._ask(session, lambda to: self._sessions.start(session, fact, reply_to=to))
            if isinstance(reply.error, WrongVersion):
                raise SessionExists(session)
            self._settled(session, reply)
        return Session(self, session)

    def resume(self, session: str, *commands: Command) -> Session:
        """Claim a session and drive it from where it stands; `commands` are committed with the claim.

        Raises `SessionUnknown`, `SessionDriven`, `CommandRefused` (an imported one), `WrongUsage`.
        """
        state = self.state(session)
        if state.life.parent is not None:
            root = root_name(session)
            raise CommandRefused(
                f"session {session!r} is a delegate, and is driven with its parent: `refold resume {root}` "
                f"takes up both, `refold fork {session} --at V` goes on without"
            )
        if state.life.settings is None or state.life.imported:
            raise CommandRefused(
                f"session {session!r} was imported and owes nothing: `refold replay {session}` re-enacts it, "
                f"`refold fork {session} --at V` goes on from it"
            )
        # A driver that was killed before it could answer may have committed them.
        commands = tuple(command for command in commands if self.log.find(command.id) is None)
        settings = affordable(state, state.life.settings, commands)
        self.edges.check(settings)
        with self._taking(session):
            self.edges.secrets.take(session, settings)
            self._settled(
                session, self._ask(session, lambda to: self._sessions.claim(session, *commands, reply_to=to))
            )
        return Session(self, session)

    def state(self, session: str, *, until: int | None = None) -> State:
        """Fold the session's stream; raises `SessionUnknown`."""
        try:
            return self._sessions.state(check_session(session), until=until)
        except StreamUnknown as error:
            raise SessionUnknown(session) from error

    def submit(self, session: str, command: Command) -> tuple[Record, ...]:
        """Have a command decided and committed; return its records. Raises `CommandRefused`, `NotDriven`."""
        if not (session in self._driven or family.await_driven(session, self._driven, self._sessions.drives)):
            raise NotDriven(f"this process does not drive session {session!r}")
        if isinstance(command, ChangeSettings | ContinueAgent):
            state = self.state(session)
            if state.life.settings is not None:
                affordable(state, state.life.settings, (command,))
        reply = self._ask(
            session, lambda to: self._told(session, command, to), timeout_s=ROOM_WAIT_S + _REPLY_S
        )
        self._settled(session, reply)
        return reply.records

    def deafen(self, session: str) -> None:
        """Take no more commands from other processes; those taken are committed when this returns."""
        self._driven[session][1].close()

    def listen(self, session: str) -> None:
        """Take commands from other processes again."""
        self._driven[session] = self._driven[session][0], self._control(session)

    def let_go(self, session: str, *, end_runner: bool) -> None:
        """Stop driving; with `end_runner` its runner is gone when this returns, else it waits its lease."""
        held = self._driven.pop(session, None)
        if held is None:
            return
        lock, control = held
        control.close()
        state = self.state(session)
        if state.life.closed:
            family.await_closed(self.log, session, state)
        self._sessions.let_go(session)
        for name, _ in family.delegates(self.log, session, state):
            self.edges.let_go(name, epoch=self.state(name).life.epoch, end_runner=end_runner)
        self.edges.let_go(session, epoch=state.life.epoch, end_runner=end_runner)
        lock.release()

    def end_runner(self, session: str) -> None:
        """End the runner that a killed driver has left of a session; raises `SessionDriven`."""
        with self._taking(session):
            pass
        self.let_go(session, end_runner=True)

    def is_over(self, session: str) -> bool:
        """Whether the session needs its runner no more: it ended, or it was closed."""
        state = self.state(session)
        return state.life.closed or state.agent.state in ENDED

    def driven(self) -> Iterator[str]:
        return iter(tuple(self._driven))

    def trouble(self, session: str) -> RefoldError | None:
        """Return what keeps the session from going on, if anything does."""
        return self._troubles.of(session)

    def close_sessions(self, reason: str, *, within_s: float = WITHIN_S) -> tuple[str, ...]:
        """Close every session at once, side by side; return those that were not closed in time."""
        return close_all(self, reason, within_s=within_s)

    def close(self) -> None:
        """Let go of every session, resumably; a runner goes on where its session may, else it ends."""
        if self._closed:
            return
        self._closed = True
        for session in tuple(self._driven):
            self.let_go(session, end_runner=self.is_over(session))
        self._port.close()
        self.log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Inside -------------------------------------------------------------------------------------------

    def _told(self, session: str, command: Command, to: str) -> str:
        self._sessions.tell(session, command, reply_to=to)
        return command.id

    def _ask(self, session: str, send: Callable[[str], str], *, timeout_s: float = _REPLY_S) -> Reply:
        """Send something that is answered by a `Reply`, and wait for it."""
        name = f"{session}/asker/{self._port.new_id()}"
        inbox = self._port.listen(name)
        try:
            send(name)
            until = time.monotonic() + timeout_s
            while True:
                try:
                    reply = inbox.get(timeout=0.1)
                except queue.Empty:
                    if trouble := self.trouble(session):
                        raise trouble from None
                    if time.monotonic() > until:
                        raise SessionBroken(f"session {session!r} did not answer in time") from None
                    continue
                if isinstance(reply, Reply):
                    return reply
        finally:
            self._port.retire(name)

    def _settled(self, session: str, reply: Reply) -> None:
        if reply.refused is not None:
            raise CommandRefused(
                f"session {session!r}: {reply.refused} (`refold show {session}` says how it stands)"
            )
        if reply.error is not None:
            raise NotDriven(f"session {session!r}: {reply.error}") from reply.error

    @contextmanager
    def _taking(self, session: str) -> Generator[None]:
        """Take the session's lock and open its control socket; give both back if the inside fails."""
        lock = DriverLock(self.home, session)
        if session in self._driven or not lock.acquire():
            raise driven_error(self.log, session)
        self._troubles.forget(session)  # What troubled an earlier drive of it is over.
        try:
            yield
            control = self._control(session)
        except BaseException:
            self._sessions.let_go(session)
            lock.release()
            raise
        self._driven[session] = lock, control

    def _control(self, session: str) -> ControlServer:
        return ControlServer(self.home, session, self._forwarded)

    def _forwarded(self, session: str, command: Command) -> Answer:
        try:
            records = self.submit(session, command)
        except (CommandRefused, WrongUsage) as refusal:
            return Answer(refused=str(refusal))
        except NotDriven:
            return Answer(gone=True)
        except RefoldError as error:
            return Answer(error=str(error))
        return Answer(records=len(records), status=self.state(session).agent.state)
