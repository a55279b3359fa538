"""What a person can do to a simulated session, by a word each."""

from typing import Literal

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
from refold.actors.session.state import State
from refold.eventlog.events import MessageReceived, SettingsChanged

type Verb = Literal[
    "say",
    "pause",
    "resume",
    "stop",
    "continue",
    "confirm",
    "reject",
    "insist",
    "model",
    "more",
    "budget",
    "limit",
    "policy",
    "close",
]
"""`insist` rejects and has the agent try again; `more` goes on with limits of its own, `continue` with those
of the settings; `policy` sets another one for confirmations."""

MORE_STEPS, MORE_USD = 2, 0.002
LIMITS = (30, 3)
_POLICIES = (
    SettingsChanged(confirm="never"),
    SettingsChanged(confirm="unknown"),
    SettingsChanged(confirm="risky", risk="high"),
    SettingsChanged(confirm="always"),
    SettingsChanged(risk="low"),
    SettingsChanged(confirm="risky", risk="medium"),
)


def command_of(verb: Verb, id_: str, at: int, state: State, count: int) -> Command:
    """Return the command that a person gives who sees `state`; `count` is how many they have given."""
    match verb:
        case "say":
            text = f"message {count}"
            return SendMessage(id=id_, at=at, by="user", fact=MessageReceived(content=text, by="user"))
        case "pause":
            return PauseAgent(id=id_, at=at, by="user")
        case "resume":
            return ResumeAgent(id=id_, at=at, by="user")
        case "stop":
            return StopAgent(id=id_, at=at, by="user")
        case "continue":
            return ContinueAgent(id=id_, at=at, by="user")
        case "more":
            budget_usd = MORE_USD if state.agent.budget_usd is not None else None
            return ContinueAgent(id=id_, at=at, by="user", iterations=MORE_STEPS, budget_usd=budget_usd)
        case "confirm":
            digest = approval_digest(unconfirmed(state))
            return ConfirmActions(id=id_, at=at, by="user", digest=digest, who="ada@loom")
        case "reject":
            return RejectActions(id=id_, at=at, by="user", reason="no")
        case "insist":
            return RejectActions(id=id_, at=at, by="user", reason="not so", try_again=True)
        case "model":
            fact = SettingsChanged(model=f"script:{count % 2}")
            return ChangeSettings(id=id_, at=at, by="user", fact=fact)
        case "budget":
            return ChangeSettings(id=id_, at=at, by="user", fact=SettingsChanged(budget_usd=1.0))
        case "limit":
            fact = SettingsChanged(iterations_max=LIMITS[count % len(LIMITS)])
            return ChangeSettings(id=id_, at=at, by="user", fact=fact)
        case "policy":
            return ChangeSettings(id=id_, at=at, by="user", fact=_POLICIES[count % len(_POLICIES)])
        case "close":
            return CloseSession(id=id_, at=at, by="user", reason="bye")
