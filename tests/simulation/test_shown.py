"""The law of what a model is shown knows the conversation by itself, and tells what is out of its place."""

from collections.abc import Sequence

from msgspec.structs import replace

from refold.eventlog.actions import Run
from refold.eventlog.events import (
    ActionProposed,
    CallRefused,
    Event,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ObservationRecorded,
    RecallRecorded,
    SystemMessageAdded,
)
from refold.eventlog.observations import RunOutput
from refold.projections.conversation import conversation
from refold.testing import says
from refold.testing.laws import an_observation_names_the_call_of_its_action
from refold.testing.minutes import Minutes
from refold.testing.shown import Shown
from tests.projections.test_conversation import records

SYSTEM = SystemMessageAdded(content="You are an agent.")
TASK = MessageReceived(content="do it", by="user")
RECALL = RecallRecorded(cause=1, recall="workspace_context", content="workspace: /w")
ASKED = ModelAsked(model="m", attempt=1, request="", messages=0, step=1)
FLY: ModelAnswered = says("", ("fly", {}))
REFUSED = CallRefused(tool_call_id="call_0", reason="no such tool")
MORE = MessageReceived(content="hurry", by="user")
OUTLINE: tuple[Event, ...] = (SYSTEM, TASK, RECALL, ASKED, MORE, FLY, REFUSED)


def wrong(happened: Sequence[Event], shown: Sequence[Event]) -> str | None:
    """Return what is wrong with a model that is shown one thing after another happened."""
    told = Shown()
    for record in records(happened):
        told.take(record)
    return told.wrong(conversation(records(shown)).request("m"))


def test_what_happened_is_shown() -> None:
    assert wrong(OUTLINE, OUTLINE) is None


def test_a_message_before_the_answer_that_did_not_know_of_it_is_out_of_its_place() -> None:
    found = wrong(OUTLINE, (SYSTEM, TASK, RECALL, MORE, ASKED, FLY, REFUSED))
    assert found == "shows ['hurry', '*answer'] where ['*answer', 'hurry'] stands"


def test_a_message_that_is_missing_is_missed_at_the_end_too() -> None:
    assert wrong(OUTLINE, (SYSTEM, TASK, RECALL, ASKED, FLY, REFUSED)) == "shows [] where ['hurry'] stands"


def test_a_call_without_a_result_is_missed() -> None:
    assert wrong(OUTLINE, OUTLINE[:-1]) == "shows no result of call_0"


def test_what_was_recalled_stands_beside_its_message() -> None:
    later = RecallRecorded(cause=4, recall="knowledge", content="hurry slowly")
    both = (*OUTLINE[:4], MORE, MORE, later)
    apart = (*both[:-1], replace(later, cause=None))
    assert wrong(both, both) is None
    assert "hurry slowly" in str(wrong(both, apart))


def test_an_observation_that_names_another_call_breaks_the_law() -> None:
    minutes = Minutes()
    proposed = ActionProposed(action=Run(command="ls"), by="agent", tool_call_id="call_0")
    output = RunOutput(content="", exit_code=0)
    for call in ("call_0", "call_1", None):
        observed = ObservationRecorded(cause=0, observation=output, tool_call_id=call)
        first, second = records((proposed, observed))
        minutes.take(first)
        found = an_observation_names_the_call_of_its_action(minutes, second)
        assert found == (None if call == "call_0" else f"version 1 answers {call}, and 0 was call_0")
