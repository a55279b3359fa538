"""ATIF: what we export satisfies its models and comes back as it was; what others wrote is understood."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import atif
import pytest
from hypothesis import given, settings

from refold.eventlog.actions import Delegate
from refold.eventlog.events import (
    ActionProposed,
    Event,
    ModelAnswered,
    ObservationRecorded,
    SessionImported,
    ToolCall,
)
from refold.eventlog.formats.atif_export import export_atif
from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.openhands_export import export_openhands
from refold.eventlog.formats.stream import to_stream
from refold.eventlog.observations import DelegateResult
from refold.eventlog.record import Record
from refold.projections.pending import pending
from refold.projections.reenactment import steps
from refold.projections.render import Renderer
from tests.eventlog.samples import EVENTS as SAMPLES
from tests.formats.native import NATIVE
from tests.formats.streams import REAL, TRAJECTORIES, action, committed, forked, imported, observation
from tests.formats.test_round_trip import EVENTS

RECORDS = committed(NATIVE)


def exported(records: Sequence[Record]) -> str:
    return export_atif(records, line=Renderer().line)


def written(folder: Path, text: str) -> tuple[Record, ...]:
    file = folder / "trajectory.json"
    file.write_text(text, encoding="utf-8")
    return imported(file)


def lines(records: Sequence[Record]) -> str:
    renderer = Renderer()
    return "".join(renderer.line(record) + "\n" for record in records)


def told(records: Sequence[Record]) -> atif.Trajectory:
    return atif.Trajectory.model_validate(json.loads(exported(records)))


def events(records: Sequence[Record]) -> list[Event]:
    """Return what was imported, without where from."""
    return [record.event for record in records[1:]]


# Export -----------------------------------------------------------------------------------------------


def test_a_session_is_told_in_steps() -> None:
    trajectory = told(RECORDS)

    assert [(step.source, step.message) for step in trajectory.steps] == [
        ("system", "You are"),
        ("user", "list"),
        ("system", "today"),
        ("agent", "Let me look."),
        ("agent", ""),
        ("agent", "What now?"),
        ("user", "finish"),
        ("agent", ""),
        ("agent", ""),
    ]
    looked, edited = trajectory.steps[3:5]
    assert [call.function_name for call in looked.tool_calls or []] == ["execute_bash", "think"]
    assert looked.observation is not None
    results = [(result.source_call_id, result.content) for result in looked.observation.results]
    assert results == [("c2", "logged"), ("c1", "b")]
    assert edited.observation is not None
    assert edited.observation.results[-1].content == "not executed: no"


def test_the_figures_are_those_of_the_session() -> None:
    trajectory = told(RECORDS)

    assert trajectory.steps[3].metrics == atif.Metrics(
        prompt_tokens=10, completion_tokens=5, cached_tokens=4, cost_usd=0.5
    )
    assert trajectory.final_metrics == atif.FinalMetrics(
        total_prompt_tokens=30,
        total_completion_tokens=5,
        total_cached_tokens=4,
        total_cost_usd=0.75,
        total_steps=9,
    )
    assert (trajectory.agent.name, trajectory.agent.model_name) == ("refold", "script:x")
    assert trajectory.agent.tool_definitions == [{"type": "function"}]
    assert trajectory.session_id == "s"


def test_a_cost_that_nobody_knows_is_left_out() -> None:
    trajectory = told(committed((*NATIVE, ModelAnswered(model="m", cause=15))))

    assert trajectory.final_metrics is not None
    assert trajectory.final_metrics.total_cost_usd is None


def test_every_sort_of_event_can_be_told(tmp_path: Path) -> None:
    several = committed([event for event in SAMPLES if type(event).__name__ != "SessionForked"])

    assert told(several).schema_version == "ATIF-v1.6"
    assert events(written(tmp_path, exported(several))) == events(written(tmp_path, lines(several)))


def test_an_empty_stream_is_a_trajectory_without_steps() -> None:
    assert told(()).steps == []


@pytest.mark.parametrize(
    ("written_by_the_model", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ("no json", {"text": "no json"}),
        ("[1]", {"text": "[1]"}),
        ('{"far": 1e400}', {"far": None}),
    ],
)
def test_arguments_that_are_no_object_are_told_as_text(
    written_by_the_model: str, expected: dict[str, Any]
) -> None:
    call = ToolCall(id="c", name="n", arguments=written_by_the_model)

    (step,) = told(committed([ModelAnswered(model="m", tool_calls=(call,))])).steps

    assert step.tool_calls == [atif.ToolCall(tool_call_id="c", function_name="n", arguments=expected)]


# Export and back --------------------------------------------------------------------------------------


def test_our_own_export_brings_the_same_events_back(tmp_path: Path) -> None:
    again = written(tmp_path, exported(RECORDS))

    assert events(again) == events(written(tmp_path, lines(RECORDS)))
    assert [json.loads(event.foreign or "") for event in events(again)] == [
        json.loads(line) for line in lines(RECORDS).splitlines()
    ]
    assert [(s.message, s.action) for s in steps(again)] == [(s.message, s.action) for s in steps(RECORDS)]
    assert pending(again) == ()


def test_an_export_that_somebody_has_shortened_is_read_by_its_steps(tmp_path: Path) -> None:
    document = json.loads(exported(RECORDS))
    document["steps"] = document["steps"][:4]

    head, *rest = events_of_all(written(tmp_path, json.dumps(document)))

    assert isinstance(head, SessionImported)
    assert head.format == "atif"
    assert [type(event).__name__ for event in rest] == [
        "SystemMessageAdded",
        "MessageReceived",
        "ForeignRecorded",
        "ActionProposed",
        "ActionProposed",
        "ObservationRecorded",
        "ObservationRecorded",
    ]


def events_of_all(records: Sequence[Record]) -> list[Event]:
    return [record.event for record in records]


def test_a_fork_is_exported_with_what_it_inherited(tmp_path: Path) -> None:
    parent = written(tmp_path, json.dumps([action("message", "user", content="hi", id=0)]))
    fork = forked(parent, NATIVE[4:7])

    assert [step.source for step in told(fork).steps] == ["user", "system", "user"]
    assert events(written(tmp_path, exported(fork))) == events(written(tmp_path, lines(fork)))


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_whatever_was_imported_is_valid_atif_and_comes_back(recorded: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        records = written(Path(folder), json.dumps(recorded))
        text = exported(records)
        again = written(Path(folder), text)

    atif.Trajectory.model_validate(json.loads(text))
    assert json.dumps(export_openhands(again)) == json.dumps(recorded)


@pytest.mark.parametrize("name", REAL)
def test_a_real_trajectory_goes_through_atif_and_comes_back_equal(tmp_path: Path, name: str) -> None:
    path = TRAJECTORIES / name
    if not path.exists():
        pytest.skip(f"no trajectory {path.name} on this machine")

    records = imported(path)

    assert told(records).steps
    assert export_openhands(written(tmp_path, exported(records))) == json.loads(path.read_text())


DELEGATED: tuple[Event, ...] = (
    *NATIVE[:6],
    ActionProposed(action=Delegate(agent="reader", inputs={"task": "read"}), tool_call_id="d1"),
    ObservationRecorded(
        cause=6,
        tool_call_id="d1",
        observation=DelegateResult(content="read it", agent="reader", session="s-6", status="finished"),
    ),
)


def test_a_delegate_is_told_inside_its_parent(tmp_path: Path) -> None:
    child = committed(NATIVE, stream="s-6")
    parent = committed(DELEGATED)
    text = export_atif(parent, line=Renderer().line, streams={"s-6": child}.get)  # type: ignore[arg-type] # there is one

    trajectory = atif.Trajectory.model_validate(json.loads(text))
    (inside,) = trajectory.subagent_trajectories or []
    assert (inside.trajectory_id, len(inside.steps)) == ("s-6", 9)
    observed = trajectory.steps[-1].observation
    assert observed is not None
    assert (observed.results[0].source_call_id, observed.results[0].content) == ("d1", "read it")
    (reference,) = observed.results[0].subagent_trajectory_ref or []
    assert reference.trajectory_id == "s-6"
    assert trajectory.schema_version == inside.schema_version == "ATIF-v1.7"

    file = tmp_path / "x.json"
    file.write_text(text)
    assert to_stream(read_trajectory(file)).losses == ("a subagent's trajectory",)
    assert events(written(tmp_path, text)) == events(written(tmp_path, lines(parent)))


def test_a_delegate_whose_stream_is_not_there_is_only_what_it_answered() -> None:
    trajectory = told(committed(DELEGATED))

    assert trajectory.subagent_trajectories is None
    assert trajectory.steps[-1].observation is not None


def test_observations_of_people_and_environment_are_kept(tmp_path: Path) -> None:
    """An action by the user has no call of a model: it is told in words."""
    recorded = [action("run", "user", command="ls", id=0), observation("run", "a", id=1, cause=0)]
    records = written(tmp_path, json.dumps(recorded))

    (step,) = told(records).steps

    assert (step.source, step.tool_calls) == ("user", None)
    assert step.observation is not None
    assert step.observation.results[0].content == "a"
