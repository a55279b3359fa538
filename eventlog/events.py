"""The facts of a session. Read aloud, this file is the domain; byte for byte, it is the disk format.

A field may be added with a default; every other change needs an upcaster (`upcasters.py`) and a golden file.
"""

from typing import Any, Literal

from msgspec import Struct

from refold.eventlog.actions import Action
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.condensers import Condenser
from refold.eventlog.fact import Fact as _Fact
from refold.eventlog.observations import Observation
from refold.eventlog.risk import Risk, Threshold
from refold.eventlog.settings import ConfirmationPolicy, Price, Purpose, Settings
from refold.eventlog.starting import RuntimeReleased, StartEnded, StartStepEnded
from refold.eventlog.tools import ServerTool
from refold.eventlog.usage import Usage

type AgentState = Literal[
    "loading",
    "running",
    "awaiting_user_input",
    "awaiting_user_confirmation",
    "paused",
    "rate_limited",
    "stopped",
    "finished",
    "rejected",
    "error",
]
type FaultClass = Literal[
    "rate_limit", "timeout", "connection", "overloaded", "server", "authentication", "credit",
    "content_policy", "not_found", "context_window", "bad_request", "script_exhausted", "cut_off",
    "unknown",
]  # fmt: skip

# Beginnings -------------------------------------------------------------------------------------------


class SessionStarted(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    settings: Settings
    task: str | None = None
    reenacts: str | None = None
    """The stream whose recorded actions this session carries out again."""
    strict: bool = False
    """A re-enactment that ends at its first difference."""
    parent: str | None = None
    action: int | None = None
    """Set on a delegate: the stream that started it, and the action there that it answers."""


class SessionForked(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The first own event of a fork: everything up to `version` is the parent's, vouched for by `digest`."""

    parent: str
    version: int
    digest: str
    workspace: str
    settings: Settings | None = None
    """Given when the parent has none, because it was imported."""


class SessionImported(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The first event of an imported stream; everything after it was decided elsewhere."""

    source: str
    format: str
    events: int
    envelope: str | None = None
    """What stood around the events in the file, in JSON, when it was more than a list."""
    status: AgentState = "stopped"
    """The last recorded state that is ours, else what its last event implies."""


class SessionClaimed(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A process took up driving; every older epoch is refused from here on."""

    epoch: int
    host: str
    pid: int
    process_started: int
    """When the process started, ns UTC."""
    code: str
    configuration: str
    """Digest of the settings in force."""


class SessionClosed(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The driver let go; the session can be resumed."""

    reason: str


class SessionFaulted(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Our own code failed; appended by the shell, outside any decider."""

    error: str
    message: str


class SettingsChanged(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Settings given on resume; None leaves a setting as it was."""

    model: str | None = None
    base_url: str | None = None
    price: Price | None = None
    confirm: ConfirmationPolicy | None = None
    risk: Threshold | None = None
    analyzer: str | None = None
    iterations_max: int | None = None
    budget_usd: float | None = None
    script_digest: str | None = None
    key_env: str | None = None
    parameters: dict[str, Any] | None = None
    condenser: Condenser | None = None


class LimitsExtended(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """`iterations` more steps and `budget_usd` more money from here."""

    iterations: int
    budget_usd: float | None = None


class WarningRaised(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An optional part failed and the session goes on without it."""

    text: str


# Runtime ----------------------------------------------------------------------------------------------


class RuntimeConnected(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A runner answers: its launch, whether it was found alive, the workspace inside, a warning."""

    incarnation: str
    sandbox: str
    epoch: int
    resumed: bool = False
    workspace: str = ""
    notice: str = ""
    seconds: float = 0.0
    found: tuple[str, ...] = ()
    """Scripts in the workspace that a start heeds."""


class RuntimeFailed(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """No runner could be launched."""

    reason: str


class RuntimeLost(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A runner that was connected is gone."""

    incarnation: str
    reason: str


# Tools ------------------------------------------------------------------------------------------------


class ToolsListed(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What the servers of the settings offer; of one that did not answer, a warning tells."""

    tools: tuple[ServerTool, ...] = ()


# Conversation -----------------------------------------------------------------------------------------


class SystemMessageAdded(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    content: str
    tools: tuple[dict[str, Any], ...] = ()


class MessageReceived(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A user's message."""

    content: str


class RecallRecorded(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What memory found for the message at `cause`; `content` is shown to the model when not empty."""

    recall: Literal["workspace_context", "knowledge"]
    content: str = ""
    sources: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Instructions of single folders that were seen: each is recalled once work goes on there."""
    tools: tuple[dict[str, Any], ...] = ()
    """What the model is offered from here on because of what was found."""


class AgentStateChanged(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    state: AgentState
    reason: str = ""
    retry_at: int | None = None
    """When the next try of a rate-limited session is due, ns UTC."""


# Asking a model ---------------------------------------------------------------------------------------


class ToolCall(Struct, frozen=True, kw_only=True):
    """A call as the model wrote it: `arguments` is its text, not yet read."""

    id: str
    name: str
    arguments: str


class ModelAsked(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Recorded before the request leaves; `request` is the digest of exactly what is sent."""

    model: str
    attempt: int
    request: str
    messages: int
    step: int
    """The iteration that this ask belongs to, 1-based."""
    tokens_estimated: int = 0
    cost_estimated_usd: float | None = None
    """What the ask counts if nobody ever hears its answer; None when the price is unknown."""
    script_line: int | None = None
    parameters: dict[str, Any] = {}
    """What is sent beside the messages and tools, as the provider names it."""
    purpose: Purpose = "step"


class ModelAnswered(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The whole answer to the ask at `cause`, in one shape for every provider."""

    model: str
    content: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = ""
    usage: Usage = Usage()
    cost_usd: float | None = None
    latency_ns: int = 0
    response_id: str = ""
    details: dict[str, Any] = {}
    """What the provider needs to see again, such as signed reasoning blocks."""


class ModelFailed(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The ask at `cause` failed; `retry_after_s` as the provider asked, `seen` what a cut stream had said."""

    fault: FaultClass
    message: str
    status: int | None = None
    retry_after_s: float | None = None
    seen: str = ""


class LateAnswerRecorded(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An answer or failure of an attempt that was already given up; kept, not acted on."""

    answer: ModelAnswered | ModelFailed


class AskAbandoned(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody waits for the ask at `cause` any more; it counts at its estimated price."""

    reason: str


class CallRefused(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The answer at `cause` held something that is no action; shown to the model as the call's result."""

    tool_call_id: str | None
    reason: str


class StuckDetected(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    pattern: str


class StepReenacted(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """One recorded step carried out again: `source` is its version in the stream re-enacted."""

    source: int
    end: bool = False
    diverged: bool = False


# Acting -----------------------------------------------------------------------------------------------


class ActionProposed(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What the agent wants; nothing has happened yet."""

    action: Action
    tool_call_id: str | None = None
    risk: Risk | None = None
    """What `analyzer` made of it before anything was decided; None where nobody looked."""
    risk_reason: str = ""
    analyzer: str = ""


class ActionsConfirmed(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Exactly the `actions` (versions) named by `digest` may be carried out."""

    actions: tuple[int, ...]
    digest: str
    who: str = ""
    """Who approved them, as well as it is known: `by` says whether a person or a policy."""


class ActionsRejected(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    actions: tuple[int, ...]
    reason: str = ""
    who: str = ""


class ActionStarted(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Recorded before the runner is told to carry out the action at `cause`."""

    incarnation: str


class ObservationRecorded(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The one answer to the action at `cause`."""

    observation: Observation
    tool_call_id: str | None = None


class LateResultRecorded(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A result for the action at `cause`, which had been answered otherwise."""

    observation: Observation


# Strangers --------------------------------------------------------------------------------------------


class ForeignRecorded(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An imported event that has no counterpart here; `foreign` holds it."""

    name: str


class Unknown(_Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An event that a newer version wrote: kept whole, shown as such, understood by nobody here."""

    name: str
    fields: dict[str, Any] = {}


type Event = (
    SessionStarted
    | SessionForked
    | SessionImported
    | SessionClaimed
    | SessionClosed
    | SessionFaulted
    | SettingsChanged
    | LimitsExtended
    | WarningRaised
    | RuntimeConnected
    | RuntimeFailed
    | RuntimeLost
    | ToolsListed
    | RuntimeReleased
    | StartStepEnded
    | StartEnded
    | SystemMessageAdded
    | MessageReceived
    | RecallRecorded
    | AgentStateChanged
    | ModelAsked
    | ModelAnswered
    | ModelFailed
    | LateAnswerRecorded
    | AskAbandoned
    | CallRefused
    | StuckDetected
    | CondensationAsked
    | Condensed
    | CondensationFailed
    | StepReenacted
    | ActionProposed
    | ActionsConfirmed
    | ActionsRejected
    | ActionStarted
    | ObservationRecorded
    | LateResultRecorded
    | ForeignRecorded
    | Unknown
)
