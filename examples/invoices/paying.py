"""An agent that pays an invoice, and the bank that it pays with.

The agent is a function: it looks at the conversation and says what to do next. It was written in a hurry.
"""

from refold.eventlog.actions import Action, Run
from refold.eventlog.events import ModelAnswered
from refold.eventlog.observations import Observation, RunOutput
from refold.projections.request import Request
from refold.testing import says

PAY: tuple[str, dict[str, str]] = ("execute_bash", {"command": "pay invoice-17"})
LOOK: tuple[str, dict[str, str]] = ("execute_bash", {"command": "ledger invoice-17"})
FINISH: tuple[str, dict[str, str]] = ("finish", {"message": "invoice-17 is paid"})


def hasty_agent(request: Request) -> ModelAnswered:
    """Pay, and if that did not work out, pay again."""
    last = str(request.messages[-1].get("content"))
    if "paid: yes" in last:
        return says("", FINISH)
    return says("", PAY)


def careful_agent(request: Request) -> ModelAnswered:
    """Whenever it is not known what became of the payment, look before paying again."""
    last = str(request.messages[-1].get("content"))
    if "paid: yes" in last:
        return says("", FINISH)
    if "Outcome unknown" in last or "Interrupted" in last:
        return says("", LOOK)
    return says("", PAY)


class Bank:
    """What the agent's commands really do. It keeps the money that it was given."""

    def __init__(self) -> None:
        self.payments = 0

    def __call__(self, key: str, action: Action) -> Observation:
        del key
        match action:
            case Run(command="pay invoice-17"):
                self.payments += 1
                return RunOutput(content="paid: yes", exit_code=0)
            case Run(command="ledger invoice-17"):
                return RunOutput(content="paid: yes" if self.payments else "paid: no", exit_code=0)
            case _:
                return RunOutput(content="no such command", exit_code=127)
