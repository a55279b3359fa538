"""A fork: a new stream that goes on from a version of another one and owes nothing that the other owes."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from refold.actors.agents.registry import greeting, missing
from refold.actors.controller.decide import follow_agent
from refold.actors.controller.limits import extension
from refold.actors.controller.steer import abandoned
from refold.actors.runtime.decide import answer
from refold.actors.runtime.state import OpenAction
from refold.actors.session.due import agenda, configuration_digest, due
from refold.actors.session.evolve import evolve, understood
from refold.actors.session.state import State, initial_state
from refold.eventlog.events import (
    AgentStateChanged,
    Event,
    MessageReceived,
    SessionClaimed,
    SessionForked,
)
from refold.eventlog.log import Append, Appended, Entry, EventLog
from refold.eventlog.observations import Cancelled
from refold.eventlog.record import Given
from refold.eventlog.settings import Settings

if TYPE_CHECKING:
    from refold.actors.sessions import Identity

KIND = "ForkSession"
"""What the command of a fork's first commit is called; the shell gives it, no decider."""


class ForkRefused(Exception):
    """There is nothing to fork there; nothing was recorded. Says what was asked and what was found."""


def fork(  # noqa: PLR0913 - what a fork is, all of it named
    log: EventLog,
    parent: str,
    at: int,
    stream: str,
    *,
    workspace: str,
    identity: "Identity",
    command: str,
    now_ns: int,
    settings: Settings | None = None,
) -> Appended:
    """Commit the first facts of `stream`, which continues `parent` from its state after version `at`.

    `command` is the id of the command. `settings` are for a parent that has none, because it was imported;
    others bring their own. The caller has put files into `workspace`; see `copy_workspace`. Raises
    `ForkRefused`, and what the log raises.
    """
    known = log.find(command)
    if known is not None and known.records[0].stream == stream:
        return known
    state, digest = _parent_at(log, parent, at)
    if log.head(stream) is not None:
        raise ForkRefused(f"there is a session {stream!r} already; a fork needs a new name")
    if state.life.settings is None and settings is None:
        raise ForkRefused(f"{parent!r} was imported at version {at}: its fork needs settings of its own")
    forked = SessionForked(
        parent=parent,
        version=at,
        digest=digest.hex(),
        workspace=workspace,
        settings=settings if state.life.settings is None else None,
    )
    claim = SessionClaimed(
        epoch=1,
        host=identity.host,
        pid=identity.pid,
        process_started=identity.process_started,
        code=identity.code,
        configuration=configuration_digest(evolve(state, forked, at + 1)),
    )
    events = carry_over(state, forked, claim)
    given = Given(id=command, kind=KIND, at=now_ns, by="user", body={"claim": msgspec.to_builtins(claim)})
    owed = agenda(due(_after(state, events)))
    entry = Entry(given=given, events=events)
    return log.commit(Append(stream=stream, expected=at, epoch=1, entries=(entry,), agenda=owed))


def carry_over(state: State, forked: SessionForked, claim: SessionClaimed) -> tuple[Event, ...]:
    """Return a fork's first commit on its parent's `state`, so that nothing is due in two streams.

    Pure: `verify` computes it again. The version forked may stand in the middle of what one command led to;
    what was still to follow there and would be missed is made up for here. An agent that has nothing left
    to do (it had finished or spoken, or hit a limit) comes to rest in the same commit.
    """
    events = (
        forked,
        claim,
        *abandoned(state, "it was asked by the session that this one was forked from"),
        *(answer(opened, _not_carried_over(opened)) for opened in state.hands.open),
        *_onward(evolve(state, forked, state.version + 1), state),
    )
    return (*events, *follow_agent(_after(state, events)))


def _onward(fork: State, parent: State) -> tuple[Event, ...]:
    """Return what lets the fork go on where its parent could not go on as it stood."""
    agent, life, settings = parent.agent, parent.life, fork.life.settings
    if settings is None:
        return ()
    if life.imported:
        return (*_greeting(settings), *_rest(parent))
    if life.greeted and life.task is not None and parent.recall.first is None:
        return (MessageReceived(content=life.task, by="user"),)
    if parent.version in parent.recall.waiting:
        extended = extension(agent, settings)
        halted = agent.state not in _MESSAGE_LETS_NOTHING_RUN
        return (*extended, AgentStateChanged(state="running")) if halted else extended
    if agent.state == "awaiting_user_confirmation":
        return _rest(parent)
    return ()


_MESSAGE_LETS_NOTHING_RUN = frozenset({"loading", "running", "paused", "rate_limited"})
"""In any other state a user's message lets the agent run, and that fact comes right after it."""


def _greeting(settings: Settings) -> tuple[Event, ...]:
    """Return our own system message: an imported one names tools that are not there."""
    return () if missing(settings.agent, settings.role) is not None else (greeting(settings),)


def _rest(parent: State) -> tuple[Event, ...]:
    """Return that the fork waits for a person: what was to be confirmed is gone, what others did is done."""
    if parent.agent.state == "awaiting_user_input":
        return ()
    return (AgentStateChanged(state="awaiting_user_input", reason="forked"),)


def _not_carried_over(opened: OpenAction) -> Cancelled:
    if opened.incarnation is None:
        text = "Not executed: this session was forked before the action began, and it was not carried over."
    else:
        text = (
            "Not carried over: this session was forked while the action was under way in the other one. "
            "Its effects may show here in part or not at all. Look before you repeat it."
        )
    return Cancelled(content=text, reason="not_carried_over")


def _parent_at(log: EventLog, parent: str, at: int) -> tuple[State, bytes]:
    head = log.head(parent)
    if head is None:
        raise ForkRefused(f"there is no session {parent!r} to fork")
    if not 0 <= at <= head.version:
        raise ForkRefused(f"{parent!r} has versions 0 to {head.version}, and no version {at} to fork at")
    state, digest = initial_state(), b""
    for record in log.read(parent, until=at):
        understood(record.event)
        state, digest = evolve(state, record.event, record.version), record.digest
    return state, digest


def _after(state: State, events: Iterable[Event]) -> State:
    for event in events:
        state = evolve(state, event, state.version + 1)
    return state


def copy_workspace(source: Path, target: Path) -> None:
    """Copy a folder, links as links, with permissions and times; an error leaves nothing behind.

    Sockets, pipes and devices are left out: they belong to processes that are not copied. `target` must not
    exist, or be an empty folder. Raises `OSError`.
    """
    if target.resolve().is_relative_to(source.resolve()):
        raise OSError(f"{target} lies inside {source}: a folder cannot be copied into itself")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir():
        target.rmdir()
    try:
        shutil.copytree(source, target, symlinks=True, ignore=_not_files)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _not_files(folder: str, names: list[str]) -> set[str]:
    place = Path(folder)
    return {
        name
        for name in names
        if not ((place / name).is_symlink() or (place / name).is_dir() or (place / name).is_file())
    }
