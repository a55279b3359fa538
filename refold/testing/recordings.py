"""A recording for simulated sessions to carry out again, and what must hold of those that do."""

from collections.abc import Iterable, Sequence

from refold.actors.session.importing import import_trajectory
from refold.eventlog.actions import Action, Finish, Message, Other, Run, Think
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    Event,
    ForeignRecorded,
    MessageReceived,
    ModelAsked,
    ObservationRecorded,
    SessionFaulted,
    SessionImported,
    StepReenacted,
)
from refold.eventlog.log import EventLog
from refold.eventlog.observations import RunOutput
from refold.eventlog.record import Record
from refold.projections.reenactment import RecordedStep, Recording
from refold.testing.minutes import Broken

RECORDED = "recorded"
"""The stream that is carried out again."""
_AT = 1
_KEPT = "{}"


def recording(*acted: Action | str | None) -> tuple[Event, ...]:
    """Return an imported stream: messages, actions with their answers, and None for what is not repeated."""
    events: list[Event] = []
    for one in acted:
        match one:
            case None:
                events.append(AgentStateChanged(state="paused", by="system", foreign=_KEPT))
                events.append(ForeignRecorded(name="recall", by="system", foreign=_KEPT))
            case str(text):
                events.append(MessageReceived(content=text, by="user", foreign=_KEPT))
            case _:
                events.append(ActionProposed(action=one, by="agent", foreign=_KEPT))
                if isinstance(one, Run):
                    answer = RunOutput(content=f"ran: {one.command}", exit_code=0, command=one.command)
                    events.append(ObservationRecorded(observation=answer, cause=len(events), foreign=_KEPT))
    return (SessionImported(source=RECORDED, format="openhands-list", events=len(events)), *events)


EXAMPLE = recording(
    "do it",
    Run(command="echo 1 >> tokens"),
    None,
    Think(thought="hm"),
    Run(command="echo 2 >> tokens"),
    Message(content="which one?"),
    "the other one",
    Other(name="browse", arguments={"url": "x"}),
    Run(command="echo 3 >> tokens"),
    Finish(message="done"),
)


def lay_down(log: EventLog, events: Sequence[Event]) -> None:
    """Put a recording into the log, unless it is there."""
    if log.head(RECORDED) is None:
        import_trajectory(log, RECORDED, events, now_ns=_AT, command=RECORDED)


def check_reenactment(recorded: Iterable[Record], records: Iterable[Record]) -> None:
    """Hold B52 over a session that carries `recorded` out again; raises `Broken`."""
    plan = Recording(recorded)
    kept = tuple(records)
    finishes, repeated = _finishes(plan), set[int]()
    cursor, ended, disturbed = -1, False, False
    for record, following in zip(kept, (*kept[1:], None), strict=True):
        match record.event:
            case StepReenacted(end=True):
                ended = True
                if (left := plan.after(cursor)) is not None:
                    raise Broken(
                        "a_recording_is_carried_out_whole", f"it ended before version {left.version}"
                    )
            case StepReenacted(source=source):
                due = plan.after(cursor)
                if due is None or due.version != source:
                    raise Broken("recorded_steps_keep_their_order", f"{source} behind {cursor}")
                if following is None or not _is(due, following.event):
                    raise Broken("a_step_is_carried_out_as_it_was_recorded", f"version {record.version}")
                cursor = source
                repeated.add(following.version)
            case ModelAsked() if not ended:
                raise Broken("a_recording_asks_no_model", f"version {record.version}")
            case ModelAsked() if finishes and not disturbed:
                raise Broken("who_carried_a_recording_out_has_finished", f"version {record.version} asks")
            case AgentStateChanged(state="awaiting_user_input") if ended and finishes and not disturbed:
                raise Broken("who_carried_a_recording_out_has_finished", f"version {record.version} waits")
            case MessageReceived() | SessionFaulted() | AgentStateChanged(state="error" | "stopped"):
                disturbed = disturbed or record.version not in repeated
            case _:
                pass


def _finishes(plan: Recording) -> bool:
    """Whether the last step of a recording ends it."""
    last, cursor = None, -1
    while (step := plan.after(cursor)) is not None:
        last, cursor = step, step.version
    return last is not None and isinstance(last.action, Finish)


def _is(step: RecordedStep, event: Event) -> bool:
    match event:
        case MessageReceived(content=content):
            return step.message == content
        case ActionProposed(action=action):
            return step.action == action
        case _:
            return False
