"""What becomes of a session when our own code fails: a rule of the shell, which no decider sees."""

from refold.actors.controller.steer import abandoned
from refold.actors.delegation.decide import AT_END
from refold.actors.runtime.decide import answer_all
from refold.actors.session.state import State
from refold.eventlog.events import Event, SessionFaulted

KIND = "Fault"
"""What the command is called under which the shell records it."""


def faulted(state: State, error: str, message: str) -> tuple[Event, ...]:
    """Return the facts of a fault: nothing stays open, a message goes on. Nothing if it rests anyway."""
    life, agent = state.life, state.agent
    if (
        life.settings is None
        or life.closed
        or agent.state == "error"
        or (life.parent is not None and agent.state in AT_END)
    ):
        return ()
    text = f"an internal error: {error}"
    fault = SessionFaulted(error=error, message=message)
    return (fault, *abandoned(state, text), *answer_all(state, "fault", text))
