"""Laws of an agent's steps: what it is shown, how often it tries, when it goes in circles, what it reads.

`Steps` follow the records beside the `Minutes`, without a decider's help.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from refold.eventlog.actions import Action, Message, Think
from refold.eventlog.condensers import DEFAULT as CONDENSER
from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    ActionsRejected,
    ActionStarted,
    AgentStateChanged,
    AskAbandoned,
    CallRefused,
    FaultClass,
    LimitsExtended,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    SessionClaimed,
    SessionFaulted,
    SessionForked,
    StepReenacted,
    StuckDetected,
)
from refold.eventlog.record import Record
from refold.eventlog.settings import Purpose, Settings
from refold.projections.conversation import Conversation
from refold.testing.circles import circle, waits
from refold.testing.forgetting import Forgetting, check_forgetting
from refold.testing.laws import EVERY, Kinds, by_kind
from refold.testing.minutes import Broken, Minutes
from refold.testing.shown import Shown
from refold.testing.tool_laws import TOOL_LAWS
from refold.testing.try_laws import TRY_LAWS

if TYPE_CHECKING:
    from refold.eventlog.observations import Observation


class Steps:
    """What the records of one stream say of its agent's steps; its `conversation` only where it is asked for.

    To follow that and to digest every request costs a thirtieth of a run.
    """

    def __init__(self, *, conversation: bool = True) -> None:
        self.step = self.failures = self.repairs = 0
        """The step under way, its failed tries, and the answers in a row without a valid action."""
        self.purpose: Purpose = "step"
        """What the model was asked for last."""
        self.fault: FaultClass | None = None
        """What the last try failed of."""
        self.cut = False
        """It is a fork of an answer whose calls are lost, and has asked nobody since."""
        self.hasty = False
        """The last try failed, and nobody has decided to wait or to end since."""
        self.pairs: dict[int, tuple[Action, Observation | None]] = {}
        """Actions since a person last spoke or extended the limits, each with what came of it."""
        self.unread: set[str] = set()
        """Tool calls of the last answer that are neither proposed nor refused."""
        self.unshown: set[int] = set()
        """Messages of the user that no request has held."""
        self.first: int | None = None
        """The first message of the user."""
        self.clumsy = False
        """Code of ours is made to fail in this run, to see what comes of it."""
        self.faulted = False
        self.oriented = False
        """The workspace was recalled."""
        self.state_version = -1
        self.rejection = ""
        """The last command that rejected actions."""
        self.claimed = False
        """The last record is a claim."""
        self.reenacted = False
        """The last record began a step of a recording."""
        self.conversation = Conversation() if conversation else None
        self.forgetting = Forgetting()
        self.shown = Shown()

    def take(self, record: Record) -> None:
        event = record.event
        self.claimed = type(event) is SessionClaimed
        match event:  # What happens most comes first, as in every `evolve`.
            case ActionProposed(action=action, tool_call_id=call):
                self.repairs = 0
                self.unread.discard(call or "")
                if not isinstance(action, Message) and not waits(action):
                    self.pairs[record.version] = _bare(action), None
            case ObservationRecorded(cause=int(cause), observation=observation) if cause in self.pairs:
                self.pairs[cause] = self.pairs[cause][0], observation
            case AgentStateChanged():
                self.state_version, self.hasty = record.version, False
            case ActionStarted() | SessionClaimed() | RuntimeConnected():
                pass
            case ModelAsked(step=step, purpose=purpose):
                self.failures = self.failures if step == self.step else 0
                self.step, self.purpose, self.cut = step, purpose, False
                if purpose == "step":
                    self.unshown.clear()
            case ModelFailed(fault=fault):
                self.failures += 0 if fault == "context_window" else 1
                self.fault, self.hasty = fault, fault != "context_window"
            case ModelAnswered() if self.purpose != "step":
                pass
            case ModelAnswered(tool_calls=calls):
                self.repairs += 1
                self.unread = {call.id for call in calls}
            case CallRefused(tool_call_id=call):
                self.unread.discard(call or "")
            case MessageReceived():
                self.first = record.version if self.first is None else self.first
                if not self.reenacted:  # What was said in a recording was heard there.
                    self.unshown.add(record.version)
                self._begin_anew()
            case RecallRecorded():
                self.oriented = True
            case ActionsRejected():
                self.rejection = record.command
            case SessionForked():  # In the middle of an answer what it called for is lost: it is asked again.
                self.cut = bool(self.unread)
                self.unread.clear()
            case LimitsExtended():
                self._begin_anew()
            case SessionFaulted():
                self.state_version, self.hasty, self.faulted = record.version, False, True
            case _:
                pass
        self.reenacted = type(event) is StepReenacted
        if self.conversation is not None:
            self.conversation.add(record)

    def _begin_anew(self) -> None:
        self.repairs = 0
        self.pairs.clear()

    @property
    def circle(self) -> str | None:
        """The pattern that the last actions and answers make."""
        return circle([(action, found) for action, found in self.pairs.values() if found is not None])


def forgets(settings: Settings) -> bool:
    """Whether a session with these settings comes by the laws of forgetting more than by accident."""
    return settings.condenser is not CONDENSER


def _bare(action: Action) -> Action:
    return action if isinstance(action, Think) else replace(action, thought="")


def a_request_shows_all_that_was_said(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B18: a question is built from everything before it; what came meanwhile makes it stale."""
    del minutes
    match record.event:
        case ModelAsked(model=model, request=request, purpose="step") if steps.conversation is not None:
            if steps.conversation.request(model).digest != request:
                return f"version {record.version} asks without something that was said before it"
        case _:
            pass
    return None


def what_was_said_is_shown_in_its_place(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B18, B40: what came while it was asked stands behind its answer, and every call has its result."""
    del minutes
    match record.event:
        case ModelAsked(model=model, purpose="step") if steps.conversation is not None:
            wrong = steps.shown.wrong(steps.conversation.request(model))
            return None if wrong is None else f"version {record.version} {wrong}"
        case _:
            return None


def a_fork_asks_again_for_what_is_lost(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B18: an answer whose calls stayed with the parent is no reason to rest."""
    del minutes
    match record.event:
        case AgentStateChanged(state="awaiting_user_input" | "finished") if steps.cut:
            return f"version {record.version} rests behind an answer that came to nothing"
        case _:
            return None


def repairs_are_counted(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B21: so many answers in a row without a valid action, and not one more."""
    settings = minutes.state.life.settings
    if settings is None:
        return None
    match record.event:
        case ModelAsked(step=step) if step != steps.step and steps.repairs > settings.repairs_max:
            return f"version {record.version} asks after {steps.repairs} answers without an action"
        case AgentStateChanged(state="error", reason=reason) if "held no valid action" in reason:
            if steps.repairs <= settings.repairs_max:
                return f"ended after {steps.repairs} of {settings.repairs_max + 1}"
        case _:
            pass
    return None


def who_goes_in_circles_is_stopped(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B29: before each call of the model."""
    del minutes
    match record.event:
        case ModelAsked(step=step) if step != steps.step and steps.circle:
            return f"version {record.version} asks for more of the same ({steps.circle})"
        case _:
            return None


def only_who_goes_in_circles_is_stopped(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B29: what only looks like a circle is none, and waiting for a long command is not either."""
    del minutes
    match record.event:
        case StuckDetected(pattern=pattern) if "condens" not in pattern and "context" not in pattern:
            return None if steps.circle else f"version {record.version} is {pattern}, and it is not"
        case _:
            return None


def every_call_is_read(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B17, B21: each tool call of an answer is proposed or refused with it."""
    del minutes
    match record.event:
        case ModelAsked() if steps.unread:
            return f"version {record.version} asks, and {sorted(steps.unread)} came to nothing"
        case _:
            return None


def a_message_is_heard_before_the_agent_rests(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B18, B20: what the user said while the agent worked is shown to it before it rests.

    B33: unless it is the user who has it rest, by a rejection.
    """
    del minutes
    match record.event:
        case AgentStateChanged(state="finished" | "awaiting_user_input" as state, reason="") if (
            steps.unshown and record.command != steps.rejection
        ):
            return f"{state} at version {record.version}, and {sorted(steps.unshown)} were not shown"
        case _:
            return None


def a_timer_counts_for_its_own_state(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B30: the timer of a wait that is over ends no other one."""
    del minutes
    given = record.given
    if given is not None and given.kind == "FireTimer" and given.body["timer"] != steps.state_version:
        return f"the timer of version {given.body['timer']} ends the state of {steps.state_version}"
    return None


def the_first_message_recalls_the_workspace(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B36: and each later one knowledge; the second does, where our own code failed at the first."""
    del minutes
    match record.event:
        case RecallRecorded(recall="workspace_context", cause=cause):
            if steps.oriented or (cause != steps.first and not steps.faulted):
                return f"version {cause} recalls the workspace; the first message is {steps.first}"
        case RecallRecorded(cause=cause):
            if not steps.oriented:
                return f"version {cause} recalls knowledge, and the workspace was not recalled"
        case _:
            pass
    return None


def a_claim_gives_up_the_open_question(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B44: nobody hears its answer any more; it counts, and is asked again as another one."""
    if steps.claimed and minutes.ask is not None and not isinstance(record.event, AskAbandoned):
        return f"version {record.version} follows a claim, and the question of {minutes.ask} stays open"
    return None


def an_approval_is_asked_for_once(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B33: what was approved stays approved, also after a restart."""
    del steps
    match record.event:
        case AgentStateChanged(state="awaiting_user_confirmation") if (
            minutes.confirmed >= minutes.open.keys()
        ):
            return f"version {record.version} waits for an approval of what has it: {sorted(minutes.open)}"
        case _:
            return None


def an_approval_names_what_it_approves(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B33: what was shown is approved, and nothing that came since."""
    del minutes, steps
    match record.event:
        case ActionsConfirmed(digest=digest) if record.given is not None:
            if record.given.body["digest"] != digest:
                return f"version {record.version} approves {digest}"
        case _:
            pass
    return None


def only_what_was_started_is_observed(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B32: the world answers nothing that it was not asked to do on record."""
    del steps
    match record.event:
        case ObservationRecorded(cause=int(cause)) if cause not in minutes.started:
            if minutes.open.get(cause) == "LoadSkill":
                return None  # Memory answers it, and touches nothing.
            if record.given is not None and record.given.kind == "ReportObservation":
                return f"version {record.version} observes {cause}, which was not started"
        case _:
            pass
    return None


def our_own_code_does_not_fail(minutes: Minutes, steps: Steps, record: Record) -> str | None:
    """B22 says what happens then; here only crashes that were simulated may lead to it."""
    del minutes
    match record.event:
        case SessionFaulted(error=error, message=message) if error != "Crash" and not steps.clumsy:
            return f"{error}: {message}"
        case _:
            return None


type StepLaw = Callable[[Minutes, Steps, Record], str | None]

STEP_LAWS: Mapping[StepLaw, Kinds] = {
    a_claim_gives_up_the_open_question: EVERY,
    a_timer_counts_for_its_own_state: (AgentStateChanged,),
    a_request_shows_all_that_was_said: (ModelAsked,),
    what_was_said_is_shown_in_its_place: (ModelAsked,),
    a_fork_asks_again_for_what_is_lost: (AgentStateChanged,),
    repairs_are_counted: (ModelAsked, AgentStateChanged),
    who_goes_in_circles_is_stopped: (ModelAsked,),
    only_who_goes_in_circles_is_stopped: (StuckDetected,),
    every_call_is_read: (ModelAsked,),
    a_message_is_heard_before_the_agent_rests: (AgentStateChanged,),
    the_first_message_recalls_the_workspace: (RecallRecorded,),
    an_approval_is_asked_for_once: (AgentStateChanged,),
    an_approval_names_what_it_approves: (ActionsConfirmed,),
    only_what_was_started_is_observed: (ObservationRecorded,),
    our_own_code_does_not_fail: (SessionFaulted,),
    **TRY_LAWS,
    **TOOL_LAWS,
}
"""Each law with the kinds of facts that it looks at."""

_LAWS = by_kind(STEP_LAWS)


def check_step(minutes: Minutes, steps: Steps, record: Record) -> None:
    """Hold every law of steps against a record that was just committed, then take it in; raises `Broken`.

    The `minutes` are those before it.
    """
    for law in _LAWS[type(record.event)]:
        if (found := law(minutes, steps, record)) is not None:
            raise Broken(law.__name__, found)
    if steps.conversation is None:
        steps.take(record)
        return
    steps.shown.take(record)
    then = check_forgetting(minutes, steps.forgetting, steps.conversation, record)
    steps.take(record)
    then()
