"""Laws of risks and approvals: what is assessed, what waits, what an approval names and what may start.

`Approvals` follow the records beside the `Minutes`, without a decider's help.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from zlib import crc32

import msgspec

from refold.eventlog.actions import Action, Message
from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    ActionsRejected,
    ActionStarted,
    AgentStateChanged,
    ModelAsked,
    ObservationRecorded,
    SessionStarted,
    SettingsChanged,
)
from refold.eventlog.observations import Cancelled
from refold.eventlog.record import Record
from refold.eventlog.risk import Assessment, Risk
from refold.eventlog.settings import Settings
from refold.testing.laws import Kinds, by_kind
from refold.testing.minutes import Broken, Minutes

_RISKS: tuple[Risk, ...] = ("low", "medium", "high", "unknown", "low")
_RISKY: Mapping[str, frozenset[Risk]] = MappingProxyType(
    {
        "low": frozenset({"low", "medium", "high"}),
        "medium": frozenset({"medium", "high"}),
        "high": frozenset({"high"}),
    }
)
"""The risks that reach each threshold."""
_encode = msgspec.json.Encoder(order="deterministic").encode

FAKE = "fake"


def fake_risk(action: Action) -> Assessment:
    """Assess as the analyzer of simulations does: anything, and the same action always the same."""
    return Assessment(risk=_RISKS[crc32(_encode(action)) % len(_RISKS)], reason="a guess", analyzer=FAKE)


class Approvals:
    """What the records of one stream say of risks, policies and approvals."""

    def __init__(self) -> None:
        self.confirm, self.threshold = "never", "medium"
        self.analyzer: str | None = None
        self.assessed = False
        """The open question was asked, and its answer heard, with an analyzer in force all the while."""
        self.open: dict[int, ActionProposed] = {}
        self.started: set[int] = set()
        self.confirmed: set[int] = set()
        self.rejected: set[int] = set()
        """Rejected, and not answered yet."""

    def take(self, record: Record) -> None:
        event = record.event
        match event:
            case SessionStarted(settings=settings):
                self.confirm, self.threshold = settings.confirm, settings.risk
                self.analyzer = settings.analyzer
            case SettingsChanged(confirm=confirm, risk=risk, analyzer=analyzer):
                self._configure(confirm, risk, analyzer)
                self.assessed = self.assessed and self._in_force != "none"
            case ModelAsked():
                self.assessed = self._in_force != "none"
            case ActionProposed(action=action) if not isinstance(action, Message):
                self.open[record.version] = event
            case ActionStarted(cause=int(cause)):
                self.started.add(cause)
            case ActionsConfirmed(actions=actions):
                self.confirmed.update(actions)
            case ActionsRejected(actions=actions):
                self.rejected.update(actions)
            case ObservationRecorded(cause=int(cause)):
                self.open.pop(cause, None)
                self.rejected.discard(cause)
            case _:
                pass

    def needs(self, version: int) -> bool:
        """Whether an open action may not start yet, by the words of the policy."""
        if version in self.confirmed or self.confirm == "never":
            return False
        risk = self.open[version].risk
        if self.confirm == "always" or risk is None:
            return True
        return risk in _RISKY[self.threshold] or (risk == "unknown" and self.confirm == "unknown")

    @property
    def undecided(self) -> list[int]:
        return [version for version in self.open if version not in self.confirmed | self.started]

    @property
    def _in_force(self) -> str:
        asks = self.confirm in {"risky", "unknown"}
        return self.analyzer or ("rules" if asks else "none")

    def _configure(self, confirm: str | None, risk: str | None, analyzer: str | None) -> None:
        self.confirm = confirm or self.confirm
        self.threshold = risk or self.threshold
        self.analyzer = analyzer or self.analyzer


def nothing_unconfirmed_touches_the_world(
    minutes: Minutes, approvals: Approvals, record: Record
) -> str | None:
    """B32: for every kind of action, under the policy in force when it starts."""
    match record.event:
        case ActionStarted(cause=int(cause)) if not minutes.state.agent.reenacting:
            if cause in approvals.open and approvals.needs(cause):
                found = approvals.open[cause].risk
                return f"version {cause}, risk {found}, starts under {approvals.confirm} without an approval"
        case _:
            pass
    return None


def nothing_overtakes_what_waits(minutes: Minutes, approvals: Approvals, record: Record) -> str | None:
    """B32: what stands behind an action that needs an approval waits with it."""
    match record.event:
        case ActionStarted(cause=int(cause)) if not minutes.state.agent.reenacting:
            before = [version for version in approvals.open if version < cause and approvals.needs(version)]
            if before:
                return f"version {cause} starts, and {before} wait for an approval"
        case _:
            pass
    return None


def an_agent_waits_only_for_what_needs_it(
    minutes: Minutes, approvals: Approvals, record: Record
) -> str | None:
    """B32: what stands before a risky action is done first, and only that one is waited for."""
    match record.event:
        case AgentStateChanged(state="awaiting_user_confirmation") if not minutes.state.agent.reenacting:
            first = next(iter(approvals.open), None)
            if first is None or first in approvals.started or not approvals.needs(first):
                return f"version {record.version} waits, and {first} needs no approval"
        case _:
            pass
    return None


def an_approval_names_exactly_what_waits(
    minutes: Minutes, approvals: Approvals, record: Record
) -> str | None:
    """B33: the waiting actions, all of them, by version and content, and only while they wait."""
    match record.event:
        case ActionsConfirmed(actions=actions, digest=digest):
            if minutes.state.agent.state != "awaiting_user_confirmation":
                return f"version {record.version} approves while the agent is {minutes.state.agent.state}"
            waiting = approvals.undecided
            if list(actions) != waiting:
                return f"version {record.version} approves {actions}, and {waiting} wait"
            named = sha256()
            for version in waiting:
                content = sha256(_encode(approvals.open[version].action)).digest()
                named.update(version.to_bytes(8, "big") + content)
            if digest != named.hexdigest():
                return f"version {record.version} approves by the name of something else"
        case _:
            pass
    return None


def a_rejection_answers_each(minutes: Minutes, approvals: Approvals, record: Record) -> str | None:
    """B33: with the user's reason, and before anything else happens."""
    del minutes
    if not approvals.rejected:
        return None
    match record.event:
        case ObservationRecorded(cause=cause, observation=Cancelled(reason="rejected")):
            if cause in approvals.rejected:
                return None
        case _:
            pass
    return f"version {record.version} follows a rejection, and {sorted(approvals.rejected)} have no answer"


def every_action_is_assessed_before_it_is_decided(
    minutes: Minutes, approvals: Approvals, record: Record
) -> str | None:
    """B34: of every kind, where an analyzer is in force."""
    match record.event:
        case ActionProposed(risk=None) if approvals.assessed and not minutes.state.agent.reenacting:
            return f"version {record.version} has no risk"
        case _:
            return None


def a_risk_is_what_the_analyzer_said(minutes: Minutes, approvals: Approvals, record: Record) -> str | None:
    """B34: of this action and no other; unknown where it failed."""
    del minutes, approvals
    match record.event:
        case ActionProposed(action=action, risk=risk, analyzer="fake") if risk is not None:
            said = fake_risk(action).risk
            if risk not in {said, "unknown"}:
                return f"version {record.version} is {risk}; the analyzer said {said}"
        case _:
            pass
    return None


type ApprovalLaw = Callable[[Minutes, Approvals, Record], str | None]

_EVERY = (ActionProposed, ActionStarted, ObservationRecorded, AgentStateChanged, ModelAsked)

APPROVAL_LAWS: Mapping[ApprovalLaw, Kinds] = {
    nothing_unconfirmed_touches_the_world: (ActionStarted,),
    nothing_overtakes_what_waits: (ActionStarted,),
    an_agent_waits_only_for_what_needs_it: (AgentStateChanged,),
    an_approval_names_exactly_what_waits: (ActionsConfirmed,),
    a_rejection_answers_each: _EVERY,
    every_action_is_assessed_before_it_is_decided: (ActionProposed,),
    a_risk_is_what_the_analyzer_said: (ActionProposed,),
}
"""Each law with the kinds of facts that it looks at."""

_LAWS = by_kind(APPROVAL_LAWS)


def concerned(settings: Settings) -> bool:
    """Whether there is anything to follow in a session that starts so."""
    return settings.confirm != "never" or settings.analyzer_in_force != "none"


def check_approvals(minutes: Minutes, approvals: Approvals, record: Record) -> None:
    """Hold every law of approvals against a record that was just committed, then take it in.

    The `minutes` are those before it. Raises `Broken`.
    """
    for law in _LAWS[type(record.event)]:
        if (found := law(minutes, approvals, record)) is not None:
            raise Broken(law.__name__, found)
    approvals.take(record)
