"""Laws of forgetting: what a model is shown stays whole, and what it has not answered stays.

`Forgetting` follows the records beside the `Minutes` and `Steps`, without the choosers' help.
"""

from collections.abc import Callable, Mapping

from refold.actors.tools.toolbox import names_of
from refold.eventlog.actions import Run
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.condensers import each
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    AgentStateChanged,
    CallRefused,
    LimitsExtended,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    RecallRecorded,
    SessionFaulted,
    SettingsChanged,
    StuckDetected,
)
from refold.eventlog.record import Record
from refold.projections.conversation import Conversation
from refold.projections.pieces import within
from refold.projections.request import Request, estimate_tokens
from refold.testing.laws import Kinds, by_kind
from refold.testing.minutes import Broken, Minutes

_STILL = 0.95
ROUNDING = 0.01
"""A request to no model in particular is about as long as the one that was condensed."""


class Forgetting:
    """What the records of one stream say of what was shown, answered and forgotten so far."""

    def __init__(self) -> None:
        self.first: int | None = None
        """The user's first message."""
        self.unanswered: set[int] = set()
        """Messages of the user that no answer has followed which was given with them."""
        self.messages: set[int] = set()
        self._asked: set[int] = set()
        self.aside: int | None = None
        """The question for a summary that was asked last."""
        self.overflowed = False
        """The model took no more, and nothing was done about it."""
        self.summary: int | None = None
        """The summary that is to be had."""
        self.tokens: int | None = None
        """How long the request was that was condensed last, if nothing was answered or said since."""
        self.shown: dict[str, int] = {}
        """Texts that the model has been shown, and the piece that holds each."""
        self.offered: tuple[str, ...] = ()
        """Tools that the model may call because of what was recalled."""
        self.folders: tuple[str, ...] = ()
        """Instructions of single folders."""
        self.touched: set[str] = set()
        """Those that an action touched and the model has not been shown."""

    def take(self, record: Record) -> None:
        match record.event:
            case MessageReceived():
                self.first = record.version if self.first is None else self.first
                self.unanswered.add(record.version)
                self.messages.add(record.version)
                self.tokens = None
            case RecallRecorded(sources=sources, cause=cause):
                beside = cause if cause is not None and cause in self.messages else record.version
                self.shown.update(dict.fromkeys(sources, beside))
                self.folders += record.event.folders
                self.touched.difference_update(sources)
                self.offered += names_of(record.event.tools)
            case ActionProposed(action=Run(command=command)):
                self.touched |= {path for path in self._lacking() if f"{path.rpartition('/')[0]}/" in command}
            case ModelAsked(purpose="step"):
                self._asked = set(self.unanswered)
            case ModelAsked():
                self.aside = record.version
            case ModelAnswered(cause=cause) if cause != self.aside:
                self.unanswered -= self._asked
                self.overflowed, self.tokens = False, None
            case ModelFailed(fault="context_window", cause=cause) if cause != self.aside:
                self.overflowed = True
            case CondensationAsked():
                self.summary = record.version
            case Condensed(tokens=tokens, forgotten=forgotten):
                self.overflowed, self.summary, self.tokens = False, None, tokens
                self.shown = {
                    text: beside for text, beside in self.shown.items() if not within(beside, forgotten)
                }
            case CondensationFailed():
                self.overflowed, self.summary = False, None
            case AgentStateChanged(state="stopped" | "error"):
                self.summary = None
            case SessionFaulted():
                self.summary = None
                self.touched.clear()
            case LimitsExtended():
                self.tokens = None
            case SettingsChanged():
                self.overflowed, self.tokens = False, None
            case _:
                pass

    def _lacking(self) -> list[str]:
        return [path for path in self.folders if path not in self.shown]


def misshapen(request: Request) -> str | None:
    """B40: return what is wrong with a request: a call without its result, a result without its call."""
    roles = [str(message["role"]) for message in request.messages]
    if roles[:2] != ["system", "user"]:
        return f"begins with {roles[:2]}"
    if "system" in roles[1:]:
        return "has a second system message"
    called: list[str] = []
    for message in request.messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in called:
                return f"answers {message['tool_call_id']}, which was not called just before"
            called.remove(message["tool_call_id"])
        elif called:
            return f"leaves {called} without a result"
        called += [call["id"] for call in message.get("tool_calls", ())]
    return f"leaves {called} without a result" if called else None


def the_user_is_not_forgotten_unheard(minutes: Minutes, told: Forgetting, record: Record) -> str | None:
    """B40: the task stays, and so does what the user said that was not answered yet."""
    del minutes
    match record.event:
        case Condensed(forgotten=forgotten):
            gone = [version for version in (told.first, *told.unanswered) if version is not None]
            lost = [version for version in gone if within(version, forgotten)]
            return f"version {record.version} forgets the messages {lost}" if lost else None
        case _:
            return None


def a_full_window_is_not_asked_again(minutes: Minutes, told: Forgetting, record: Record) -> str | None:
    """B31: something is forgotten before the next step, or the session ends in error."""
    settings = minutes.state.life.settings
    if settings is None or not each(settings.condenser):
        return None
    match record.event:
        case ModelAsked(purpose="step") if told.overflowed:
            return f"version {record.version} asks a model whose window is full"
        case _:
            return None


def nothing_is_forgotten_in_vain(minutes: Minutes, told: Forgetting, record: Record) -> str | None:
    """B29, its fifth pattern: what no longer shrinks is not condensed again."""
    del minutes
    match record.event:
        case CondensationAsked(tokens=tokens) | Condensed(tokens=tokens, cause=None):
            if told.tokens is not None and tokens > told.tokens * _STILL:
                return f"version {record.version} condenses {tokens} tokens after {told.tokens}"
        case _:
            pass
    return None


def a_summary_is_put_in_once(minutes: Minutes, told: Forgetting, record: Record) -> str | None:
    """B41: whatever crashes, what was asked for comes once, and from where it was asked for."""
    del minutes
    match record.event:
        case CondensationAsked() if told.summary is not None:
            return f"version {record.version} asks for a summary, and {told.summary} is open"
        case Condensed(cause=int(cause)) | CondensationFailed(cause=int(cause)) if cause != told.summary:
            return f"version {record.version} is the summary of {cause}, but {told.summary} is open"
        case ModelAsked(purpose="condense", cause=cause) if cause != told.summary:
            return f"version {record.version} asks for the summary of {cause}, but {told.summary} is open"
        case _:
            return None


def a_text_is_shown_once(minutes: Minutes, told: Forgetting, record: Record) -> str | None:
    """B38: and again once what showed it was forgotten."""
    del minutes
    match record.event:
        case RecallRecorded(sources=sources):
            again = [source for source in sources if source in told.shown]
            return f"version {record.version} shows {again} again" if again else None
        case _:
            return None


def instructions_are_shown_where_work_goes_on(
    minutes: Minutes, told: Forgetting, record: Record
) -> str | None:
    """B37: those of a folder that an action touched, before the next step."""
    del minutes
    match record.event:
        case ModelAsked(purpose="step") if told.touched:
            return f"version {record.version} asks without {sorted(told.touched)}"
        case _:
            return None


def memory_answers_for_itself(minutes: Minutes, told: Forgetting, record: Record) -> str | None:
    """B37: to load a skill starts nothing in a sandbox."""
    del told
    match record.event:
        case ActionStarted(cause=int(cause)) if minutes.open.get(cause) == "LoadSkill":
            return f"version {cause} is started in a runner"
        case _:
            return None


def what_is_offered_can_be_called(minutes: Minutes, told: Forgetting, record: Record) -> str | None:
    """B37."""
    del minutes
    match record.event:
        case CallRefused(reason=reason):
            refused = [name for name in told.offered if f"no tool {name!r}" in reason]
            return f"version {record.version} refuses {refused}" if refused else None
        case _:
            return None


type ForgettingLaw = Callable[[Minutes, Forgetting, Record], str | None]

FORGETTING_LAWS: Mapping[ForgettingLaw, Kinds] = {
    the_user_is_not_forgotten_unheard: (Condensed,),
    a_full_window_is_not_asked_again: (ModelAsked,),
    nothing_is_forgotten_in_vain: (CondensationAsked, Condensed),
    a_summary_is_put_in_once: (CondensationAsked, Condensed, CondensationFailed, ModelAsked),
    a_text_is_shown_once: (RecallRecorded,),
    instructions_are_shown_where_work_goes_on: (ModelAsked,),
    memory_answers_for_itself: (ActionStarted,),
    what_is_offered_can_be_called: (CallRefused,),
}
"""Each law with the kinds of facts that it looks at."""

_LAWS = by_kind(FORGETTING_LAWS)


def check_forgetting(
    minutes: Minutes, told: Forgetting, conversation: Conversation, record: Record
) -> Callable[[], None]:
    """Hold every law of forgetting against a record that was just committed; raises `Broken`.

    Returns what is to be called once the conversation has taken it in, too.
    """
    for law in _LAWS[type(record.event)]:
        if (found := law(minutes, told, record)) is not None:
            raise Broken(law.__name__, found)
    told.take(record)
    match record.event:
        case ModelAsked(purpose="step", model=model):
            if (wrong := misshapen(conversation.request(model))) is not None:
                raise Broken("a_request_is_whole", f"version {record.version} {wrong}")
        case StuckDetected(pattern=pattern) if "condens" in pattern:
            tokens, last = estimate_tokens(conversation.request("")), told.tokens
            if last is None or tokens <= last * (_STILL - ROUNDING):
                raise Broken("only_what_shrinks_no_more_is_given_up", f"{tokens} tokens after {last}")
        case Condensed():
            before = conversation.request("").characters
            return lambda: _shrank(before, conversation)
        case _:
            pass
    return lambda: None


def _shrank(before: int, conversation: Conversation) -> None:
    """B41: whatever a summary says, what is condensed gets shorter."""
    if (after := conversation.request("").characters) >= before:
        raise Broken("what_is_condensed_shrinks", f"{before} characters became {after}")
