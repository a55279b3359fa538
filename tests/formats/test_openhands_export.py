"""A session of our own, told as a recorded trajectory, which can be taken in again."""

import json
from pathlib import Path
from typing import Any

from refold.eventlog.actions import Finish, Message
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    MessageReceived,
    ObservationRecorded,
    SessionImported,
    SystemMessageAdded,
)
from refold.eventlog.formats.openhands_export import export_array, export_openhands, timestamp
from refold.eventlog.observations import Failure, OtherObservation
from refold.projections.reenactment import steps
from tests.formats.native import NATIVE
from tests.formats.streams import AT, action, committed, forked, imported, imported_list, observation


def exported() -> list[dict[str, Any]]:
    return export_openhands(committed(NATIVE))


def test_events_have_the_kinds_order_and_ids_of_a_trajectory() -> None:
    told = [(e["id"], e["source"], e.get("action") or e["observation"], e.get("cause")) for e in exported()]

    assert told == [
        (4, "agent", "system", None),
        (5, "user", "message", None),
        (6, "environment", "agent_state_changed", None),
        (7, "environment", "recall", 5),
        (10, "agent", "run", None),
        (11, "agent", "think", None),
        (12, "agent", "think", 11),
        (14, "agent", "run", 10),
        (17, "agent", "error", None),
        (18, "agent", "edit", None),
        (19, "agent", "run", None),
        (21, "agent", "edit", 18),
        (23, "agent", "user_rejected", 19),
        (24, "agent", "message", None),
        (25, "user", "message", None),
        (26, "agent", "run", None),
        (27, "agent", "error", 26),
        (28, "agent", "finish", None),
        (30, "environment", "agent_state_changed", None),
    ]


def test_every_event_has_the_envelope_and_a_naive_timestamp() -> None:
    for event in exported():
        assert {"id", "timestamp", "source", "message"} <= event.keys()
        assert ("args" in event) != ("content" in event)
        assert event["timestamp"] == "2025-07-20T08:26:40.123456"
    assert timestamp(0) == "1970-01-01T00:00:00"
    assert timestamp(AT) == "2025-07-20T08:26:40.123456"


def test_an_action_carries_the_whole_answer_and_its_observation_the_same() -> None:
    events = {event["id"]: event for event in exported()}
    call = events[10]["tool_call_metadata"]
    response = call["model_response"]

    assert call["function_name"] == "execute_bash"
    assert call["tool_call_id"] == "c1"
    assert call["total_calls_in_response"] == 2
    assert (response["id"], response["model"], response["object"]) == ("r-1", "m-1", "chat.completion")
    assert [c["id"] for c in response["choices"][0]["message"]["tool_calls"]] == ["c1", "c2"]
    assert response["choices"][0]["message"]["content"] == "Let me look."
    assert response["usage"]["total_tokens"] == 15
    assert response["usage"]["prompt_tokens_details"]["cached_tokens"] == 4
    assert events[14]["tool_call_metadata"] == events[10]["tool_call_metadata"]
    assert events[11]["tool_call_metadata"]["model_response"] == response
    assert events[18]["tool_call_metadata"]["model_response"]["id"] == "refold-16"
    assert events[18]["llm_metrics"]["accumulated_cost"] == 0.75
    assert events[14]["extras"]["metadata"]["exit_code"] == 0
    assert events[14]["success"] is True
    assert events[21]["extras"]["prev_exist"] is False


def test_an_action_of_no_answer_carries_a_call_made_of_itself() -> None:
    call = next(event for event in exported() if event["id"] == 26)["tool_call_metadata"]

    [made] = call["model_response"]["choices"][0]["message"]["tool_calls"]
    assert made["id"] == "c6"
    assert json.loads(made["function"]["arguments"]) == {"command": "false"}


def test_what_was_never_carried_out_says_so() -> None:
    events = {event["id"]: event for event in exported()}

    assert events[10]["args"]["confirmation_state"] == "confirmed"
    assert events[19]["args"]["confirmation_state"] == "rejected"


def test_b51_an_export_can_be_taken_in_again(tmp_path: Path) -> None:
    records = committed(NATIVE)
    file = tmp_path / "export.json"
    file.write_text(export_array(records))

    again = imported(file)

    events = [record.event for record in again]
    assert isinstance(events[0], SessionImported)
    assert events[0].status == "finished"
    assert [type(e) for e in events if isinstance(e, SystemMessageAdded)] == [SystemMessageAdded]
    assert export_openhands(again) == export_openhands(records)
    ours = [(s.message, s.action, s.tool_call_id) for s in steps(records)]
    assert [(s.message, s.action, s.tool_call_id) for s in steps(again)] == ours
    assert [s.expected for s in steps(again)][:-1] == [s.expected for s in steps(records)][:-1]


def test_a_fork_of_an_imported_stream_goes_on_with_ids_of_its_own(tmp_path: Path) -> None:
    before = imported_list(
        tmp_path,
        [
            action("message", "user", id=0, content="go"),
            action("run", id=50, command="ls"),
            observation("run", "a", id=51, cause=50, metadata={"exit_code": 0}),
        ],
    )
    own = (
        MessageReceived(content="more", by="user"),
        ActionProposed(action=Message(content="no")),
        ActionProposed(action=Finish()),
        AgentStateChanged(state="finished"),
    )
    records = forked(before, own)

    told = export_openhands(records)

    assert told[:3] == export_openhands(before)
    assert [event["id"] for event in told] == [0, 50, 51, 53, 54, 55, 56]


def test_nothing_recorded_exports_as_an_empty_array() -> None:
    assert export_array(committed(NATIVE[:1])) == "[]"


def test_kinds_that_trajectories_lack_are_told_as_errors() -> None:
    tale = (
        *NATIVE[:10],
        ActionProposed(action=Message(content="x")),
        ObservationRecorded(cause=10, observation=OtherObservation(content="1", name="mcp", fields={"a": 2})),
        ObservationRecorded(observation=Failure(content="f")),
    )

    *_, foreign, failed = export_openhands(committed(tale))

    assert (foreign["observation"], foreign["content"], foreign["extras"]) == ("mcp", "1", {"a": 2})
    assert (failed["observation"], "cause" in failed) == ("error", False)
