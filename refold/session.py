"""One session that this process drives, as its user holds it."""

import getpass
import os
import socket
import time
import uuid
from collections.abc import Generator
from typing import TYPE_CHECKING, TypedDict

from refold import family
from refold.actors.controller.confirmation import approval_digest, unconfirmed
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
from refold.actors.session.evolve import evolve, fold
from refold.actors.session.state import State, initial_state
from refold.eventlog.events import MessageReceived, SettingsChanged
from refold.eventlog.fact import By
from refold.eventlog.record import Record
from refold.sound import check_text

if TYPE_CHECKING:
    from refold.system import System

_IDLE_S = 0.25
"""How often a watcher looks for trouble while nothing is committed."""


class Session:
    """A handle: everything it says goes through the log; everything it shows comes from there."""

    def __init__(self, system: "System", name: str) -> None:
        self._system, self.name = system, name

    def __repr__(self) -> str:
        return f"<Session {self.name}>"

    @property
    def state(self) -> State:
        """The session as its log tells it now."""
        return self._system.state(self.name)

    @property
    def head(self) -> int | None:
        """The last committed version."""
        head = self._system.log.head(self.name)
        return None if head is None else head.version

    @property
    def status(self) -> str:
        return self.state.agent.state

    def say(self, text: str) -> tuple[Record, ...]:
        """Send the agent a message; returns once it is committed."""
        check_text(text, "message", "hear")
        return self._submit(SendMessage(**given(), fact=MessageReceived(content=text, by="user")))

    def pause(self) -> tuple[Record, ...]:
        return self._submit(PauseAgent(**given()))

    def resume(self) -> tuple[Record, ...]:
        """Lift a pause."""
        return self._submit(ResumeAgent(**given()))

    def stop(self) -> tuple[Record, ...]:
        """End the step loop at once; every open action is answered."""
        return self._submit(StopAgent(**given()))

    def confirm(self, digest: str | None = None) -> tuple[Record, ...]:
        """Approve the waiting actions: those named by `digest`, or those that wait at this moment."""
        named = pending_digest(self.state) if digest is None else digest
        return self._submit(ConfirmActions(**given(), digest=named, who=person()))

    def reject(self, reason: str = "", *, try_again: bool = False) -> tuple[Record, ...]:
        """Answer the waiting actions with `reason`; the agent then awaits input, or tries again if asked."""
        return self._submit(RejectActions(**given(), reason=reason, who=person(), try_again=try_again))

    def continue_(
        self, *, iterations: int | None = None, budget_usd: float | None = None
    ) -> tuple[Record, ...]:
        """Go on after a limit or an error, with the limits extended."""
        return self._submit(ContinueAgent(**given(), iterations=iterations, budget_usd=budget_usd))

    def change(self, settings: SettingsChanged) -> tuple[Record, ...]:
        """Set settings from now on; those in force already are no change and no fact."""
        return self._submit(ChangeSettings(**given(), fact=settings))

    def close(self, reason: str = "closed by the user") -> None:
        """Let go of the session; a running command is interrupted, and `resume` goes on later."""
        self._submit(CloseSession(**given(), reason=reason))
        self._system.let_go(self.name, end_runner=True)

    def watch(self, *, after: int = -1) -> Generator[Record]:
        """Yield the records after a version, then those that are committed, until the session rests.

        Raises what keeps the session from going on: `OutOfRoom`, `NotDriven`, `SessionBroken`.
        """
        system, name = self._system, self.name
        state = initial_state() if after < 0 else system.state(name, until=after)
        subscription = system.log.subscribe(stream=name, after=after)
        try:
            while True:
                resting = self._rests(state)
                records = subscription.take(timeout_s=0.0 if resting else _IDLE_S)
                if not records:
                    if resting:
                        return
                    if trouble := system.trouble(name):
                        raise trouble
                for record in records:
                    state = evolve(state, record.event, record.version)
                    yield record
        finally:
            subscription.close()

    def wait(self, timeout: float | None = None) -> State:
        """Return once the session rests: it ended, or a person is asked. Raises `TimeoutError`."""
        until = None if timeout is None else time.monotonic() + timeout
        system, name, state = self._system, self.name, initial_state()
        subscription = system.log.subscribe(stream=name)
        try:
            while True:
                resting = self._rests(state)
                records = subscription.take(timeout_s=0.0 if resting else _IDLE_S)
                state = fold(state, records)
                if not records and resting:
                    return state
                if trouble := None if records else system.trouble(name):
                    raise trouble
                if until is not None and time.monotonic() > until:
                    raise TimeoutError(f"session {name!r} is still {state.agent.state}")
        finally:
            subscription.close()

    def _rests(self, state: State) -> bool:
        """Whether it and all its delegates wait for a person, or have ended."""
        return family.resting(self._system.log, self.name, state) is not None

    def _submit(self, command: Command) -> tuple[Record, ...]:
        return self._system.submit(self.name, command)


class Given(TypedDict):
    """What every command of a person carries."""

    id: str
    at: int
    by: By


def given() -> Given:
    return Given(id=uuid.uuid4().hex, at=time.time_ns(), by="user")


def person() -> str:
    """Return who acts, as well as the machine knows: `user@host`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # No name in the environment, and none in the user database.
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def pending_digest(state: State) -> str:
    """Return the name of the actions that wait for an approval at this moment."""
    return approval_digest(unconfirmed(state))
