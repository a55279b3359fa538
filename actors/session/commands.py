"""What a session can be told: requests of people and policies, and the outcomes of effects.

A command brings its id, its time and whatever chance it needs, so that deciding it again decides the same.
Its bulk is the `fact` that it proposes; that stands in the command's first event and is not stored twice.
"""

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from refold.actors.tools.toolbox import Proposal, Refusal
from refold.eventlog.actions import Action
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.events import (
    Event,
    LateAnswerRecorded,
    LateResultRecorded,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClaimed,
    SessionStarted,
    SettingsChanged,
    StepReenacted,
    ToolsListed,
)
from refold.eventlog.fact import By
from refold.eventlog.record import Given
from refold.eventlog.risk import Assessment
from refold.eventlog.starting import RuntimeReleased, StartStepEnded


class _Command(Struct, frozen=True, kw_only=True, omit_defaults=True, tag=True, tag_field="kind"):
    id: str
    at: int
    by: By = "system"


class StartSession(_Command, frozen=True, kw_only=True, omit_defaults=True):
    fact: SessionStarted
    claim: SessionClaimed


class ClaimSession(_Command, frozen=True, kw_only=True, omit_defaults=True):
    fact: SessionClaimed


class ChangeSettings(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """Settings from now on; those equal to the ones in force change nothing."""

    fact: SettingsChanged


class SendMessage(_Command, frozen=True, kw_only=True, omit_defaults=True):
    fact: MessageReceived


class PauseAgent(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """Stop before the next step; what runs is still answered."""


class ResumeAgent(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """Lift a pause."""


class StopAgent(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """End the step loop at once and answer every open action."""


class CloseSession(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """Let go of the session; it stays resumable."""

    reason: str


class ConfirmActions(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """Approve the waiting actions named by `digest`; `who` says who does, as well as it is known."""

    digest: str
    who: str = ""


class RejectActions(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """Answer the waiting actions with `reason`; then the agent awaits input, or tries again if asked."""

    reason: str = ""
    who: str = ""
    try_again: bool = False


class ContinueAgent(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """Go on after a limit or an error, with the limits extended."""

    iterations: int | None = None
    budget_usd: float | None = None


class BeginAsk(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """The request was built from the stream up to version `seen`; if it has grown since, it is stale."""

    fact: ModelAsked
    seen: int


class BeginCondensation(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """The choice was made on the stream up to version `seen`; if it has grown since, it is stale."""

    fact: CondensationAsked | Condensed | CondensationFailed
    seen: int


class ReportAnswer(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """`draw` is the chance of a retry's jitter; `wanted` what an agent that reads its own way read.

    `assessments` are one for each thing that the answer wants, by their place; None for what is no action.
    """

    fact: ModelAnswered | ModelFailed
    draw: float
    wanted: tuple[Proposal | Refusal, ...] | None = None
    assessments: tuple[Assessment | None, ...] = ()


class ReportConnection(_Command, frozen=True, kw_only=True, omit_defaults=True):
    fact: RuntimeConnected | RuntimeFailed | RuntimeLost


class ReportObservation(_Command, frozen=True, kw_only=True, omit_defaults=True):
    fact: ObservationRecorded


class ReportDelegate(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a delegate that has ended, and what it spent."""

    fact: ObservationRecorded


class ReportRecall(_Command, frozen=True, kw_only=True, omit_defaults=True):
    fact: RecallRecorded


class ReportStep(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a step of the start."""

    fact: StartStepEnded


class ReportRelease(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """The runner of a start that failed is gone."""

    fact: RuntimeReleased


class ReportRecording(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """The next step of the recording that is re-enacted: a message or an action, or its end."""

    fact: StepReenacted
    message: str | None = None
    action: Action | None = None
    tool_call_id: str | None = None
    assessment: Assessment | None = None


class ReportTools(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """What the servers of the settings offer; `warnings` are about those that did not answer."""

    fact: ToolsListed
    warnings: tuple[str, ...] = ()


class FireTimer(_Command, frozen=True, kw_only=True, omit_defaults=True):
    """The timer that the event at `timer` set is due."""

    timer: int


type Command = (
    StartSession
    | ClaimSession
    | ChangeSettings
    | SendMessage
    | PauseAgent
    | ResumeAgent
    | StopAgent
    | CloseSession
    | ConfirmActions
    | RejectActions
    | ContinueAgent
    | BeginAsk
    | BeginCondensation
    | ReportAnswer
    | ReportConnection
    | ReportObservation
    | ReportDelegate
    | ReportRecall
    | ReportRecording
    | ReportTools
    | ReportStep
    | ReportRelease
    | FireTimer
)


def to_given(command: Command, first: Event) -> Given:
    """Return the command as the log keeps it, without the bulk that its first event holds."""
    fact = getattr(command, "fact", None)
    if is_first := fact is not None and (fact is first or fact == _fact_in(first)):
        command = replace(command, fact=None)
    body: dict[str, Any] = msgspec.to_builtins(command)
    kind = body.pop("kind")
    for key in ("id", "at", "by"):
        body.pop(key, None)
    if is_first:
        del body["fact"]
    return Given(id=command.id, kind=kind, at=command.at, by=command.by, body=body)


def from_given(given: Given, first: Event) -> Command:
    """Return the command again; raises `msgspec.ValidationError` if this version knows no such command."""
    body: dict[str, Any] = {**given.body, "kind": given.kind, "id": given.id, "at": given.at, "by": given.by}
    if "fact" not in body:
        body["fact"] = msgspec.to_builtins(_fact_in(first))
    command: Command = msgspec.convert(body, Command)
    return command


def _fact_in(event: Event) -> Event:
    match event:
        case LateAnswerRecorded(answer=answer):
            return answer
        case LateResultRecorded(cause=cause, observation=observation):
            return ObservationRecorded(cause=cause, observation=observation)
        case _:
            return event
