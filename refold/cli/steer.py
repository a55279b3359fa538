"""Commands that steer a session: forwarded to its driver; where nobody drives, they claim it themselves."""

import time
from collections.abc import Callable
from typing import Annotated

import typer

from refold.actors.delegation.state import root_name
from refold.actors.session.commands import (
    CloseSession,
    Command,
    ConfirmActions,
    ContinueAgent,
    PauseAgent,
    RejectActions,
    SendMessage,
    StopAgent,
)
from refold.actors.session.evolve import fold
from refold.actors.session.state import initial_state
from refold.cli.drive import Watcher, drive
from refold.cli.options import HomeOption, JsonOption, SessionArgument
from refold.cli.output import put, say
from refold.control import Answer, forward
from refold.errors import CommandRefused, SessionBroken, SessionDriven, WrongUsage
from refold.eventlog.events import MessageReceived
from refold.family import resting
from refold.home import Home, check_session
from refold.look import check_home, check_known, reading
from refold.session import given, pending_digest, person
from refold.system import System

_HANDOVER_S = 5.0


def pause(session: SessionArgument, home: HomeOption = None, json: JsonOption = False) -> int:
    return _record(Home(home), session, PauseAgent(**given()), "paused", json=json)


def stop(session: SessionArgument, home: HomeOption = None, json: JsonOption = False) -> int:
    return _record(Home(home), session, StopAgent(**given()), "stopped", json=json)


def close(session: SessionArgument, home: HomeOption = None, json: JsonOption = False) -> int:
    return _record(
        Home(home), session, CloseSession(**given(), reason="closed by the user"), "closed", json=json
    )


def message(
    session: SessionArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    if not text.strip():
        raise WrongUsage("the message is empty; say what the agent is to hear")
    command = SendMessage(**given(), fact=MessageReceived(content=text, by="user"))
    return _drive(Home(home), session, command, json=json)


def continue_(
    session: SessionArgument,
    iterations_max: Annotated[
        int | None, typer.Option("--max-iterations", metavar="N", min=1, help="This many steps more.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget", metavar="USD", help="This much money more.")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    command = ContinueAgent(**given(), iterations=iterations_max, budget_usd=budget)
    return _drive(Home(home), session, command, json=json)


def confirm(
    session: SessionArgument,
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="D", help="Approve just what `show` named so; default what waits."),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    place = Home(home)
    waiting = _waiting(place, session)
    command = ConfirmActions(**given(), digest=waiting if digest is None else digest, who=person())
    return _drive(place, session, command, json=json)


def reject(
    session: SessionArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the agent is told.")] = "",
    try_again: Annotated[
        bool, typer.Option("--try-again", help="Let the agent try otherwise instead of awaiting you.")
    ] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    place = Home(home)
    _waiting(place, session)  # What waits may be a delegate's.
    command = RejectActions(**given(), reason=reason, who=person(), try_again=try_again)
    return _drive(place, session, command, json=json)


def _waiting(home: Home, session: str) -> str:
    """Return the digest of the actions that wait at this moment.

    Raises `CommandRefused` where it is a delegate of the session whose actions wait.
    """
    with reading(home) as log:
        check_known(log, session)
        state = fold(initial_state(), log.read(session, check=False))
        asks = resting(log, session, state)
    who, theirs = asks or (session, state)
    if who != session and theirs.agent.state == "awaiting_user_confirmation":
        raise CommandRefused(
            f"session {session!r}: nothing of its own waits to be confirmed, but its delegate {who!r} waits: "
            f"`refold confirm {who}` or `refold reject {who}`"
        )
    return pending_digest(state)


def _drive(home: Home, session: str, command: Command, *, json: bool) -> int:
    """Forward a command; where nobody drives, claim the session with it and drive as `resume` does."""

    def claim() -> int:
        watcher = Watcher(json=json)
        with watcher.system(home) as system:
            root = root_name(session)
            state = system.state(root)
            if root == session:
                return drive(system, system.resume(session, command), watcher, after=state.version)
            system.state(session)  # Nothing is claimed for a delegate that is not there.
            resumed = system.resume(root)
            system.submit(session, command)
            return drive(system, resumed, watcher, after=state.version)

    return _reach(home, session, command, claim, json=json)


def _record(home: Home, session: str, command: Command, done: str, *, json: bool) -> int:
    """Forward a command; where nobody drives, claim the session with it, and leave."""

    def claim() -> int:
        with System(home) as system:
            root, state = root_name(session), system.state(session)
            own = (command,) if root == session else ()
            if isinstance(command, CloseSession) and state.life.closed:
                if own:  # Whoever closed it may have been killed before it ended the runner.
                    system.end_runner(root)
            else:
                system.resume(root, *own)
                if not own:
                    system.submit(session, command)
            state = system.state(session)
            system.let_go(root, end_runner=system.is_over(root))
        if json:
            put({"session": session, "status": state.agent.state})
        else:
            say(f"session {session} is {done}")
        return 0

    return _reach(home, session, command, claim, json=json)


def _reach(home: Home, session: str, command: Command, claim: Callable[[], int], *, json: bool) -> int:
    """Bring a command to the session's driver, or `claim` the session.

    A driver that comes or goes holds its lock a little longer than it listens; it is waited for.
    """
    check_session(session)
    check_home(home)
    until = time.monotonic() + _HANDOVER_S
    while (answer := forward(home, session, command)) is None:
        try:
            return claim()
        except SessionDriven:
            if time.monotonic() > until:
                raise
            time.sleep(_HANDOVER_S / 100)
    return _answered(session, answer, json=json)


def _answered(session: str, answer: Answer, *, json: bool) -> int:
    if answer.refused is not None:
        raise CommandRefused(answer.refused)
    if answer.error is not None:
        raise SessionBroken(answer.error)
    if json:
        put({"session": session, "status": answer.status})
    else:
        say(f"session {session}: committed, now {(answer.status or '').replace('_', ' ')}")
    return 0
