"""Driving a session from a terminal: show what is committed, ask the person, end with the right code."""

import select
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from refold import family
from refold.actors.runtimes.wire import exposed
from refold.actors.sandboxes.local import WARNING
from refold.actors.sandboxes.sandbox import is_isolated
from refold.actors.session.evolve import evolve
from refold.actors.session.state import State
from refold.cli.exits import exit_code
from refold.cli.onward import fault_of
from refold.cli.output import hush, put_text
from refold.cli.view import LiveView, QuietView, View
from refold.errors import CommandRefused
from refold.eventlog.record import Record
from refold.home import Home
from refold.projections.render import Renderer
from refold.session import Session
from refold.system import System

ASKING = ("awaiting_user_input", "awaiting_user_confirmation")
"""The states in which a person at the terminal is asked."""

_POLL_S = 0.2


class Watcher:
    """Where a run is shown, and whether there is a person to ask."""

    def __init__(self, *, json: bool, asks: bool = True, plain: bool = False) -> None:
        self._json = json
        self._renderer = Renderer()
        self.interactive = asks and not json and sys.stdin.isatty() and sys.stdout.isatty()
        self.view: View = LiveView() if not json and (plain or sys.stdout.isatty()) else QuietView()
        self.signalled: int | None = None
        self._wake = threading.Event()

    @contextmanager
    def system(self, home: Home) -> Generator[System]:
        """Open the home; SIGTERM and Ctrl-C are noted and end the drive between two records."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            with System(home, on_glimpse=self.view.glimpse) as system:
                yield system
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.view.close()

    def record(self, record: Record, state: State) -> None:
        if not self._json:
            self.view.record(record, state)
            return
        try:
            put_text(self._renderer.line(record))
        except BrokenPipeError:  # Nobody reads any more: as good as the signal that this usually is.
            hush()
            self.signalled = self.signalled or signal.SIGPIPE

    def warn(self, text: str) -> None:
        self.view.close()
        sys.stderr.write(f"refold: {text}\n")

    def rested(self, system: System, session: str, state: State) -> None:
        if not self._json:
            self.view.rested(session, state, fault_of(system.log, session, state))

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.signalled is not None:
            raise KeyboardInterrupt  # The second time is meant.
        self.signalled = number


def drive(system: System, session: Session, watcher: Watcher, *, after: int = -1) -> int:
    """Show the session's records from version `after` on until it rests, and return the exit code."""
    state = system.state(session.name, until=after) if after >= 0 else State()
    if after >= 0 and (settings := state.life.settings) and not is_isolated(settings.sandbox):
        watcher.warn(WARNING)  # Whoever started it was told; whoever takes it up is told again.
    if said := _exposed(system.state(session.name)):
        watcher.warn(said)
    subscription = system.log.subscribe(stream=session.name, after=after)
    try:
        while watcher.signalled is None:
            resting = family.resting(system.log, session.name, state)
            records = subscription.take(timeout_s=0.0 if resting else _POLL_S)
            for record in records:
                state = evolve(state, record.event, record.version)
                watcher.record(record, state)
            if records:
                continue
            if resting is not None:
                asking, seen = Session(system, resting[0]), resting[1]
                if watcher.interactive and ask(asking, seen, watcher):
                    continue
                if _ends(system, session, state):
                    return _end(system, session, watcher, *resting)
                continue
            if trouble := system.trouble(session.name):
                raise trouble
        system.close_sessions(signal.Signals(watcher.signalled).name)
        for record in subscription.take(timeout_s=0.0):
            state = evolve(state, record.event, record.version)
            watcher.record(record, state)
    finally:
        subscription.close()
    watcher.warn(f"session {session.name} is closed; `refold resume {session.name}` goes on with it")
    return 128 + watcher.signalled


def _exposed(state: State) -> str | None:
    """Return what to do about a runner's token that others may read."""
    settings = state.life.settings
    if settings is None or settings.sandbox != "remote" or settings.runtime.remote.token_file is None:
        return None
    return exposed(Path(settings.runtime.remote.token_file))


def ask(session: Session, state: State, watcher: Watcher) -> bool:
    """Ask the person what the session waits for; False if there is nothing to ask, or no answer."""
    match state.agent.state:
        case "awaiting_user_input" if not state.life.closed:
            return _answered(session, watcher, "you> ", session.say)
        case "awaiting_user_confirmation":
            return _answered(
                session, watcher, "approve? [y]es, [n]o, or write instead> ", _confirming(session)
            )
        case _:
            return False


def _confirming(session: Session) -> Callable[[str], object]:
    def answer(text: str) -> object:
        match text.lower():
            case "y" | "yes":
                return session.confirm()
            case "n" | "no":
                return session.reject()
            case _:
                return session.say(text)

    return answer


def _answered(session: Session, watcher: Watcher, prompt: str, act: Callable[[str], object]) -> bool:
    watcher.view.prompt(prompt)
    before = session.state.version
    while watcher.signalled is None:
        ready, _, _ = select.select([sys.stdin], [], [], _POLL_S)
        if ready:
            line = sys.stdin.readline()
            if not line:
                return False
            if line.strip():
                try:
                    act(line.strip())
                except CommandRefused as refusal:  # Somebody else was quicker.
                    watcher.warn(str(refusal))
            return True
        head = session.head
        if head is not None and head > before:
            return True  # Somebody answered from elsewhere.
    return True


def _ends(system: System, session: Session, state: State) -> bool:
    """Whether this was the last word: nobody is heard any more, and nobody was heard meanwhile."""
    system.deafen(session.name)
    if session.head == state.version:
        return True
    system.listen(session.name)
    return False


def _end(system: System, session: Session, watcher: Watcher, asking: str, state: State) -> int:
    """Let go, and say what a person can do now: about the session, or about the delegate that asks."""
    system.let_go(session.name, end_runner=system.is_over(session.name))
    watcher.rested(system, asking, state)
    return exit_code(state.agent.state)
