"""What is committed in other streams together with a session's own: its delegates' starts and claims.

One transaction holds both, so no crash leaves an action started whose delegate is not there, or a parent
claimed whose delegate another process goes on driving.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from refold.actors.delegation.decide import child_settings
from refold.actors.delegation.state import DELEGATE, Delegates, delegate_stream
from refold.actors.session.commands import ClaimSession, StartSession, to_given
from refold.actors.session.decide import foresee
from refold.actors.session.due import agenda, configuration_digest, due
from refold.actors.session.evolve import fold
from refold.actors.session.state import Life, State, initial_state
from refold.eventlog.actions import Delegate
from refold.eventlog.events import ActionProposed, ActionStarted, Event, SessionClaimed, SessionStarted
from refold.eventlog.log import NO_STREAM, Append, Entry, EventLog


def start_id(stream: str, version: int) -> str:
    """Return the command that starts the delegate of the action at `version`."""
    return f"{stream}/delegate/{version}"


def claim_id(claim: str, delegate: str) -> str:
    """Return the command that claims `delegate` together with its parent, whose claim is `claim`."""
    return f"{claim}/{delegate}"


def beside(
    log: EventLog, append: Append, states: Sequence[State], claim: SessionClaimed | None
) -> tuple[Append, ...]:
    """Return what belongs into other streams with `append`, after each of whose events `states` hold.

    `claim` is the one in force before it.
    """
    found: list[Append] = []
    index = 0
    for entry in append.entries:
        for event in entry.events:
            state = states[index]
            index += 1
            match event:
                case ActionStarted(cause=int(cause), incarnation=incarnation) if incarnation == DELEGATE:
                    if claim is None:
                        raise AssertionError("a delegate is started by nobody")
                    wanted = _wanted(log, append, cause)
                    found.append(_start(append.stream, state, cause, wanted, entry.given.at, claim))
                case SessionClaimed():
                    claim = event
                    found += claims(log, append.stream, state.delegates, entry.given.id, event)
                case _:
                    pass
    return tuple(found)


def claims(
    log: EventLog, stream: str, delegates: Delegates, command: str, claim: SessionClaimed
) -> Iterator[Append]:
    """Yield the claims of all open delegates of `stream`, theirs included, by whoever gave `command`."""
    for one in delegates:
        delegate = delegate_stream(stream, one.version)
        state = fold(initial_state(), log.read(delegate, check=False))
        fact = replace(claim, epoch=state.life.epoch + 1, configuration=configuration_digest(state))
        asked = ClaimSession(id=claim_id(command, delegate), at=0, fact=fact)
        foreseen = foresee(state, asked)
        entry = Entry(given=to_given(asked, foreseen.events[0]), events=foreseen.events)
        after = foreseen.states[-1]
        yield Append(
            stream=delegate,
            expected=state.version,
            epoch=fact.epoch,
            entries=(entry,),
            agenda=agenda(due(after)),
        )
        yield from claims(log, delegate, state.delegates, asked.id, claim)


def _start(  # noqa: PLR0913, PLR0917 - all that a start is made of
    stream: str, state: State, version: int, wanted: Delegate, at: int, claim: SessionClaimed
) -> Append:
    settings = child_settings(state, wanted.agent)
    life = Life(settings=settings)
    command = StartSession(
        id=start_id(stream, version),
        at=at,
        by="agent",
        fact=SessionStarted(settings=settings, task=wanted.task, parent=stream, action=version),
        claim=replace(claim, cause=None, epoch=1, configuration=configuration_digest(State(life=life))),
    )
    foreseen = foresee(initial_state(), command)
    entry = Entry(given=to_given(command, foreseen.events[0]), events=foreseen.events)
    return Append(
        stream=delegate_stream(stream, version),
        expected=NO_STREAM,
        epoch=1,
        entries=(entry,),
        agenda=agenda(due(foreseen.states[-1])),
    )


def _wanted(log: EventLog, append: Append, version: int) -> Delegate:
    """Return the action at `version`: on its way, or in the log."""
    events: list[Event] = [event for entry in append.entries for event in entry.events]
    if version > append.expected:
        event = events[version - append.expected - 1]
    else:
        (record,) = log.read(append.stream, after=version - 1, until=version, check=False)
        event = record.event
    match event:
        case ActionProposed(action=Delegate() as action):
            return action
        case _:
            raise AssertionError(f"version {version} of {append.stream} delegates nothing")
