"""`verify` proves what was decided here, and finds whatever was not."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from refold.actors.session.commands import SendMessage
from refold.actors.session.importing import import_trajectory
from refold.actors.session.verify import DAMAGED, OTHER_CODE, OTHER_REQUEST, SAME_CODE, Verification, verify
from refold.eventlog.actions import Run
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    AgentStateChanged,
    AskAbandoned,
    CallRefused,
    Event,
    LimitsExtended,
    MessageReceived,
    ModelAsked,
    ObservationRecorded,
    SessionClaimed,
    SessionFaulted,
    SessionImported,
    SessionStarted,
    SystemMessageAdded,
    Unknown,
)
from refold.eventlog.log import NO_STREAM, Append, Entry, StreamUnknown
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import Cancelled
from refold.eventlog.record import Given, Record
from tests.session.generated import CODE, CONFIRMED, PLANS, STREAM, Plan, WitnessLog, make

USUAL = Plan(1, "never", 9, "do it", ("two", "limit", "nope", "text"), (), (("say", 200), ("stop", 3)))


@settings(max_examples=40, deadline=None)
@given(plan=PLANS)
@example(plan=CONFIRMED)
def test_every_session_verifies(plan: Plan) -> None:
    made = make(plan)
    found = verify(made.log, STREAM, code=CODE)
    assert found == Verification(ok=True, records=len(list(made.log.read(STREAM))), foreign=0)


def alteration(event: Event, given: Given | None) -> Event | None:
    """Return the event as it was not decided; None where it is what the command itself brought."""
    match event:
        case ModelAsked():
            return replace(event, request="0" * 64)
        case SessionClaimed():
            return replace(event, configuration="other")
        case SessionStarted():
            return replace(event, settings=replace(event.settings, iterations_max=3))
        case _ if given is not None and "fact" not in given.body and hasattr(_command_of(given), "fact"):
            return None
        case AgentStateChanged(state=state):
            return replace(event, state="error" if state != "error" else "finished")
        case ActionProposed(action=action):
            return replace(event, action=replace(action, thought="another thought"))
        case ObservationRecorded():
            return replace(event, tool_call_id="another")
        case CallRefused():
            return replace(event, reason="because")
        case ActionStarted():
            return replace(event, incarnation="somebody")
        case SystemMessageAdded():
            return replace(event, content="Be evil.")
        case MessageReceived():
            return replace(event, content="another task")
        case AskAbandoned():
            return replace(event, reason="no reason")
        case LimitsExtended():
            return replace(event, iterations=event.iterations + 1)
        case _:
            return None


def _command_of(given: Given) -> type:
    from refold.actors.session import commands  # noqa: PLC0415 - looked up by name

    found: type = getattr(commands, given.kind, SendMessage)
    return (
        type("Empty", (), {}) if given.kind == "Fault" or "fact" not in found.__annotations__ else _WithFact
    )


class _WithFact:
    fact = None


def rewritten(records: Sequence[Record], change: Callable[[Record], Sequence[Event]]) -> MemoryLog:
    """Return a log that holds the stream with other events, chained properly: only replay can tell."""
    log = MemoryLog(id=b"w" * 16)
    expected = NO_STREAM
    entries: list[tuple[Given, int, list[Event]]] = []
    for record in records:
        if record.given is not None:
            entries.append((record.given, record.epoch, []))
        entries[-1][2].extend(change(record))
    for given_, epoch, events in entries:
        if events:
            entry = Entry(given_, tuple(events))
            done = log.commit(Append(stream=STREAM, expected=expected, epoch=epoch, entries=(entry,)))
            expected = done.records[-1].version
    return log


@settings(max_examples=40, deadline=None)
@given(plan=PLANS, data=st.data())
def test_any_single_altered_decision_is_found(plan: Plan, data: st.DataObject) -> None:
    records = list(make(plan).log.read(STREAM))
    altered = {
        record.version: other
        for record in records
        if (other := alteration(record.event, record.given)) is not None and other != record.event
    }
    version = data.draw(st.sampled_from(sorted(altered)))
    log = rewritten(records, lambda r: (altered[version] if r.version == version else r.event,))
    found = verify(log, STREAM, code=CODE)
    assert found.divergence is not None
    assert found.divergence.version <= version + 1
    assert found.divergence.verdict == SAME_CODE
    assert found.divergence.code == CODE


@settings(max_examples=30, deadline=None)
@given(plan=PLANS, data=st.data())
def test_a_decision_left_out_or_made_twice_is_found(plan: Plan, data: st.DataObject) -> None:
    records = list(make(plan).log.read(STREAM))
    decided = [record.version for record in records if record.given is None]
    assume(decided)
    version, count = data.draw(st.sampled_from(decided)), data.draw(st.sampled_from([0, 2]))
    log = rewritten(records, lambda r: (r.event,) * (count if r.version == version else 1))
    found = verify(log, STREAM, code=CODE)
    assert not found.ok


def test_a_divergence_shows_both_sides_and_what_it_means() -> None:
    records = list(make(USUAL).log.read(STREAM))
    at = next(record for record in records if isinstance(record.event, ActionProposed))

    def change(record: Record) -> Sequence[Event]:
        if record.version != at.version or not isinstance(record.event, ActionProposed):
            return (record.event,)
        return (replace(record.event, action=Run(command="rm -rf /")),)

    log = rewritten(records, change)
    found = verify(log, STREAM, code="code-2").divergence
    assert found is not None
    assert (found.version, found.command) == (at.version, at.command)
    assert found.expected["action"] == {"kind": "run", "command": "rm -rf /"}
    assert found.found["action"] == {"kind": "run", "command": "a"}
    assert (found.code, found.code_now, found.verdict) == (CODE, "code-2", OTHER_CODE)
    assert verify(log, STREAM, code=CODE).divergence == replace(found, code_now=CODE, verdict=SAME_CODE)


def test_a_request_that_would_now_be_another_one_says_so() -> None:
    records = list(make(USUAL).log.read(STREAM))

    def change(record: Record) -> Sequence[Event]:
        event = record.event
        return (replace(event, request="0" * 64) if isinstance(event, ModelAsked) else event,)

    found = verify(rewritten(records, change), STREAM, code="code-2").divergence
    assert found is not None
    assert found.verdict == OTHER_REQUEST
    assert found.expected["request"] == "0" * 64
    assert len(found.found["request"]) == 64


def test_b48_a_damaged_record_is_a_divergence_with_its_place() -> None:
    log = make(USUAL).log
    log.damage(9)
    found = verify(log, STREAM).divergence
    assert found is not None
    assert (found.version, found.position, found.verdict) == (9, 9, DAMAGED)


def test_a_fault_of_ours_is_checked_by_the_rule_of_the_shell() -> None:
    plan = Plan(3, "always", 9, "do it", ("two",), (), (("fault", 200),))
    records = list(make(plan).log.read(STREAM))
    at = next(record.version for record in records if isinstance(record.event, SessionFaulted))

    def forget(record: Record) -> Sequence[Event]:
        answers = isinstance(record.event, ObservationRecorded) and record.version > at
        return () if answers else (record.event,)

    def quieter(record: Record) -> Sequence[Event]:
        match record.event:
            case ObservationRecorded(observation=Cancelled()) if record.version > at:
                said = Cancelled(content="never mind", reason="fault")
                return (replace(record.event, observation=said),)
            case event:
                return (event,)

    assert verify(rewritten(records, lambda r: (r.event,)), STREAM).ok
    assert sum(isinstance(record.event, ObservationRecorded) for record in records[at:]) == 2
    assert not verify(rewritten(records, forget), STREAM).ok
    assert not verify(rewritten(records, quieter), STREAM).ok


def test_a_claim_that_skips_an_epoch_is_found() -> None:
    records = list(make(USUAL).log.read(STREAM))
    given_ = Given(id="claim", kind="ClaimSession", at=1, by="system")
    claim = next(record.event for record in records if isinstance(record.event, SessionClaimed))
    log = rewritten(records, lambda r: (r.event,))
    head = log.head(STREAM)
    assert head is not None
    skipping = Entry(given_, (replace(claim, epoch=3),))
    log.commit(Append(stream=STREAM, expected=head.version, epoch=3, entries=(skipping,)))
    found = verify(log, STREAM).divergence
    assert found is not None
    assert "epoch 3 where 2 is next" in found.reason


def test_what_an_old_driver_wrote_is_found() -> None:
    made = make(Plan(1, "never", 9, None, (), (), ()))
    head = made.log.head(STREAM)
    assert head is not None
    entry = Entry(Given(id="x", kind="PauseAgent", at=1, by="user"), (AgentStateChanged(state="paused"),))
    made.log.commit(Append(stream=STREAM, expected=head.version, epoch=9, entries=(entry,)))
    found = verify(made.log, STREAM).divergence
    assert found is not None
    assert found.version == head.version + 1


@pytest.mark.parametrize(
    ("kind", "event", "reason"),
    [
        ("Conjure", MessageReceived(content="x"), "does not know"),
        ("SendMessage", Unknown(name="MessageSung"), "newer version"),
        ("ConfirmActions", AgentStateChanged(state="running"), "does not know"),
        ("StartSession", AgentStateChanged(state="running"), "does not know"),
    ],
)
def test_what_nobody_here_understands_is_named(kind: str, event: Event, reason: str) -> None:
    made = make(Plan(1, "never", 9, None, (), (), ()))
    head = made.log.head(STREAM)
    assert head is not None
    entry = Entry(Given(id="x", kind=kind, at=1, by="user"), (event,))
    made.log.commit(Append(stream=STREAM, expected=head.version, epoch=1, entries=(entry,)))
    found = verify(made.log, STREAM).divergence
    assert found is not None
    assert reason in found.reason


def test_an_import_is_vouched_for_by_its_digests_alone() -> None:
    log = WitnessLog()
    events = (
        SessionImported(source="x.json", format="list", events=2, status="finished"),
        MessageReceived(content="hi", by="user", foreign="{}"),
        AgentStateChanged(state="paused", foreign="{}"),
    )
    import_trajectory(log, "old", events, now_ns=1, command="c")
    assert verify(log, "old") == Verification(ok=True, records=3, foreign=2)
    log.damage(1)
    assert not verify(log, "old").ok


def test_an_unknown_stream_is_no_divergence() -> None:
    with pytest.raises(StreamUnknown):
        verify(MemoryLog(), "nobody")
