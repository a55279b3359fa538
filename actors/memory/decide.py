"""What memory decides: each message is looked up once."""

from refold.actors.session.commands import ReportRecall
from refold.actors.session.state import State
from refold.eventlog.events import Event


def decide_recall(state: State, command: ReportRecall) -> tuple[Event, ...]:
    return (command.fact,) if command.fact.cause in state.recall.waiting else ()
