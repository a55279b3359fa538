"""Another process that claims a session while ours drives it, does nothing with it, and ends."""

from refold.actors.delegation.family import claims
from refold.actors.session.commands import ClaimSession, to_given
from refold.actors.session.decide import foresee
from refold.actors.session.due import agenda, configuration_digest, due
from refold.actors.session.evolve import fold
from refold.actors.session.state import initial_state
from refold.eventlog.events import SessionClaimed
from refold.eventlog.log import Append, Entry, EventLog


def claim(log: EventLog, stream: str, at: int, code: str) -> None:
    """Claim `stream` and its delegates at this time (ns UTC); nothing happens where there is none yet."""
    if log.head(stream) is None:
        return
    state = fold(initial_state(), log.read(stream, check=False))
    epoch = state.life.epoch + 1
    fact = SessionClaimed(
        epoch=epoch,
        host="elsewhere",
        pid=2,
        process_started=0,
        code=code,
        configuration=configuration_digest(state),
    )
    command = ClaimSession(id=f"elsewhere/{epoch}/{state.version}", at=at, fact=fact)
    foreseen = foresee(state, command)
    entry = Entry(given=to_given(command, foreseen.events[0]), events=foreseen.events)
    owed = agenda(due(foreseen.states[-1]))
    append = Append(stream=stream, expected=state.version, epoch=epoch, entries=(entry,), agenda=owed)
    log.commit(append, *claims(log, stream, state.delegates, command.id, fact))
