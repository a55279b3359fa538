"""What a person and the world can do to a session, and what must be so when they are done with it."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from msgspec.structs import replace

from refold.actors.controller.confirmation import approval_digest, unconfirmed
from refold.actors.controller.transitions import RESTING
from refold.actors.dispatch.choosers import Occasion, Way
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import Line
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
from refold.actors.session.due import due
from refold.actors.session.evolve import fold
from refold.actors.session.fork import fork
from refold.actors.session.state import State, initial_state
from refold.actors.session.verify import verify
from refold.actors.sessions import Sessions
from refold.eventlog.condensers import RecentWindow
from refold.eventlog.events import MessageReceived, SettingsChanged
from refold.eventlog.log import EventLog
from refold.eventlog.settings import ConfirmationPolicy, Settings
from refold.testing.crash import IDENTITY, STREAM
from refold.testing.laws import check
from refold.testing.minutes import Minutes
from refold.testing.sessions import SETTINGS
from refold.testing.world import SmallWorld

type Verb = Literal[
    "say",
    "pause",
    "resume",
    "stop",
    "confirm",
    "confirm something else",
    "reject",
    "close",
    "extend",
    "change model",
    "change policy",
    "change limits",
]

VERBS: tuple[Verb, ...] = get_args(Verb.__value__)
POLICIES: tuple[ConfirmationPolicy, ...] = get_args(ConfirmationPolicy.__value__)
ANOTHER = 1_000_000
"""Seeds from here on give ids that no session in the same log has."""
OCCASIONS: tuple[Occasion, ...] = get_args(Occasion.__value__)


class Hand:
    """Plays the choices that it is given, and where it is given none, the plain course."""

    def __init__(self) -> None:
        self.order: list[int] = []
        """Who goes next, at the next choices that there are."""
        self.wrong: list[tuple[Occasion, int]] = []
        """On which kinds of occasions something goes wrong next, and in which way."""

    def choose(self, count: int, _: Sequence[Way] = (), /) -> int:
        return self.order.pop(0) % count if self.order else 0

    def trouble(self, count: int, occasion: Occasion, /) -> int:
        if not self.wrong or self.wrong[0][0] != occasion:
            return 0
        return 1 + self.wrong.pop(0)[1] % count


def command(verb: Verb, id_: str, at: int, state: State) -> Command:
    """Return what a person says who sees the session in this state; wise or not."""
    said: dict[str, Any] = {"id": id_, "at": at, "by": "user"}
    match verb:
        case "say":
            return SendMessage(**said, fact=MessageReceived(content=f"words of {id_}", by="user"))
        case "pause":
            return PauseAgent(**said)
        case "resume":
            return ResumeAgent(**said)
        case "stop":
            return StopAgent(**said)
        case "confirm":
            return ConfirmActions(**said, digest=approval_digest(unconfirmed(state)))
        case "confirm something else":
            return ConfirmActions(**said, digest="0" * 64)
        case "reject":
            return RejectActions(**said, reason="not like this")
        case "close":
            return CloseSession(**said, reason="enough for today")
        case "extend":
            return ContinueAgent(**said, iterations=2, budget_usd=0.01 if state.agent.budget_usd else None)
        case "change model":
            return ChangeSettings(**said, fact=SettingsChanged(model=f"script:{at % 2}"))
        case "change policy":
            policy = POLICIES[at % len(POLICIES)]
            return ChangeSettings(**said, fact=SettingsChanged(confirm=policy))
        case "change limits":
            return ChangeSettings(**said, fact=SettingsChanged(iterations_max=3))


def start_settings(
    *, confirm: ConfirmationPolicy, iterations_max: int, parallel_max: int = 1, forgets: bool = False
) -> Settings:
    """Return how a life starts; one that `forgets` condenses as soon as there is anything to condense."""
    return replace(
        SETTINGS,
        confirm=confirm,
        risk="low",
        iterations_max=iterations_max,
        parallel_max=parallel_max,
        condenser=RecentWindow(messages_max=6) if forgets else SETTINGS.condenser,
    )


def check_log(log: EventLog, stream: str = STREAM) -> State:
    """Hold every law against a whole stream and decide it all again; return its state."""
    minutes = Minutes()
    for record in log.read(stream):
        check(minutes, record)
    verdict = verify(log, stream, code=IDENTITY.code)
    assert verdict.divergence is None, verdict.divergence
    return minutes.state


def check_rests(state: State) -> None:
    """Nothing is due exactly where a person is waited for, or nobody."""
    assert state.life.closed or state.agent.state in RESTING, f"{state.agent.state} is no rest"
    assert due(state) == ()


def check_fork(log: EventLog, at: int, lines: Sequence[Line]) -> None:
    """Fork the session, drive the fork to rest, and find the parent as it was."""
    before, head = check_log(log), log.head(STREAM)
    fork(
        log,
        STREAM,
        at,
        "fork",
        workspace="/elsewhere",
        identity=IDENTITY,
        command="fork it",
        now_ns=0,
    )
    begun = fold(initial_state(), log.read("fork"))
    assert begun.hands.open == (), "an action is open in two streams"
    assert begun.agent.ask is None, "a question is open in two streams"
    stepper = Stepper(ANOTHER + at)
    Sessions(stepper, log, SmallWorld(lines), IDENTITY).claim("fork")
    assert stepper.run()
    rested = fold(initial_state(), log.read("fork"))
    check_rests(rested)
    assert verify(log, "fork", code=IDENTITY.code).divergence is None
    assert (log.head(STREAM), fold(initial_state(), log.read(STREAM))) == (head, before)
