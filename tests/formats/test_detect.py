"""Every form of trajectory is recognised; what is none is refused with a message a person can act on."""

import json
from pathlib import Path
from typing import Any

import pytest

from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.trajectory import TrajectoryUnreadable
from tests.formats.streams import action, imported, observation

TASK = action("message", "user", content="hello", id=0)
RUN = action("run", command="ls", id=1)
OUTPUT = observation("run", "a b", id=2, cause=1, metadata={"exit_code": 0})


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (json.dumps([TASK, RUN, OUTPUT]), "openhands-list"),
        ("\ufeff" + json.dumps([TASK, RUN, OUTPUT], indent=4) + "\n\n", "openhands-list"),
        (json.dumps([[TASK, RUN], [OUTPUT, TASK]]), "openhands-list"),
        (json.dumps({"trajectory": [TASK, RUN, OUTPUT]}), "openhands-trajectory"),
        (
            json.dumps({"instance_id": "x", "history": [TASK, RUN, OUTPUT], "error": None}),
            "openhands-history",
        ),
        (json.dumps({"instance_id": "x", "history": [TASK, RUN, OUTPUT]}) + "\n", "openhands-history"),
        (json.dumps({"events": [TASK, RUN, OUTPUT], "has_more": False}, indent=1), "openhands-events"),
        ("\n".join(json.dumps(event) for event in (TASK, RUN, OUTPUT)) + "\n", "openhands-lines"),
    ],
)
def test_b51_each_form_of_file_is_recognised(tmp_path: Path, text: str, form: str) -> None:
    file = tmp_path / "file"
    file.write_text(text)

    trajectory = read_trajectory(file)

    assert trajectory.format == form
    assert [event.value for event in trajectory.events][:3] == [TASK, RUN, OUTPUT]


@pytest.mark.parametrize("below", ["events", "."])
def test_b51_an_event_directory_is_read_in_the_order_of_its_numbers(tmp_path: Path, below: str) -> None:
    folder = tmp_path / below
    folder.mkdir(exist_ok=True)
    for index in (0, 1, 2, 9, 10, 11, 100):
        (folder / f"{index}.json").write_text(json.dumps(action("think", thought=str(index), id=index)))
    (tmp_path / "metadata.json").write_text("{}")
    (tmp_path / "agent_state.pkl").write_bytes(b"\x80\x04")

    trajectory = read_trajectory(tmp_path)

    assert trajectory.format == "openhands-directory"
    assert [event.value["id"] for event in trajectory.events] == [0, 1, 2, 9, 10, 11, 100]
    assert len(imported(tmp_path)) == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        (" \n\t", "the file is empty"),
        ("hello", "not JSON: expecting a list or an object"),
        ("\x00\x01\x02", "not JSON"),
        ("3", "not JSON: expecting a list or an object"),
        ("[]", "it holds no events"),
        ('{"trajectory": []}', "it holds no events"),
        ('{"trajectory": null}', "'trajectory' is no list of events but null"),
        ('{"history": {"0": 1}}', "'history' is no list of events"),
        ('{"foo": 1}', "event 0: no 'source'"),
        (json.dumps([TASK, RUN])[:-30], "element 1: .* (it ends in the middle)"),
        (json.dumps([TASK, RUN])[:-1], "expecting ']' at line 1, column .* (it ends in the middle)"),
        (json.dumps({"history": [TASK, RUN]})[:-3], "(it ends in the middle)"),
        (json.dumps([TASK]) + "x", "something follows the list of events"),
        (json.dumps(TASK) + "\n" + json.dumps(RUN)[:-9], "line 2 is not JSON"),
        (json.dumps(TASK) + "\ngarbage\n", "line 2 is not JSON"),
        ("[NaN]", "element 0: NaN is no JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ("[" + "9" * 5000 + "]", "element 0: Exceeds the limit"),
        ("[1]", "event 0: not an object but int"),
        (json.dumps([TASK, "x"]), "event 1: not an object but str"),
        (json.dumps([TASK, {"action": "run", "args": {}}]), "event 1 (action 'run'): no 'source'"),
        (json.dumps([{"id": 7, "source": "user"}]), "event 0 (id 7): neither 'action' nor 'observation'"),
        (
            json.dumps([{"source": "user", "action": "run"}]),
            "event 0 (action 'run'): an action without 'args'",
        ),
        (
            json.dumps([TASK, {"id": 4, "source": "agent", "observation": "run", "extras": {}}]),
            "event 1 (id 4, observation 'run'): an observation without 'content'",
        ),
        ("\n".join(json.dumps({"history": [TASK]}) for _ in range(2)), "it holds 2 sessions"),
    ],
)
def test_b51_what_is_no_trajectory_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text)

    with pytest.raises(TrajectoryUnreadable) as refused:
        read_trajectory(file)

    message = str(refused.value)
    assert message.startswith(str(file))
    at = 0
    for part in said.split(".*"):
        assert part.strip() in message[at:], message
        at = message.index(part.strip(), at)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "broken.json"
    file.write_bytes(b'[{"source": "\xff"}]')

    with pytest.raises(TrajectoryUnreadable, match="no UTF-8 text at byte 13"):
        read_trajectory(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrajectoryUnreadable, match="No such file"):
        read_trajectory(tmp_path / "nothing.json")


def test_a_directory_without_events_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "notes.json").write_text("{}")

    with pytest.raises(TrajectoryUnreadable, match="no events in it"):
        read_trajectory(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ('{"source": "agent", "act', "not JSON"),
        ('{"source": "agent"} {}', "something follows"),
        ('{"source": "agent"}', "event 1: neither 'action' nor 'observation'"),
    ],
)
def test_a_broken_event_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "0.json").write_text(json.dumps(TASK))
    (tmp_path / "1.json").write_text(text)

    with pytest.raises(TrajectoryUnreadable) as refused:
        read_trajectory(tmp_path)

    assert "1.json" in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize("args", [None, [], "text", 3])
def test_odd_values_are_no_reason_to_refuse(tmp_path: Path, args: Any) -> None:  # noqa: ANN401 - JSON
    file = tmp_path / "odd.json"
    odd: list[dict[str, Any]] = [
        {"source": None, "action": "run", "args": args},
        {"source": "agent", "observation": None, "content": None},
        {"source": "agent", "action": None, "observation": "run", "content": args, "extras": args},
        {"source": "agent", "action": 3, "args": args},
    ]
    file.write_text(json.dumps(odd))

    assert [event.value for event in read_trajectory(file).events] == odd
    assert len(imported(file)) == 5
