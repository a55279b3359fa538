"""Whatever stands in a stranger's trajectory, its import raises nothing and what comes of it can be told."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import atif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refold.eventlog.formats.atif_export import export_atif
from refold.eventlog.formats.detect import read_trajectory
from refold.eventlog.formats.openhands_export import export_array
from refold.eventlog.formats.stream import to_stream
from refold.eventlog.formats.trajectory import TrajectoryUnreadable
from refold.projections.pending import pending
from refold.projections.reenactment import steps
from refold.projections.render import Renderer
from tests.formats.streams import committed
from tests.formats.test_round_trip import JSON

type Json = dict[str, Any]
type Documents = st.SearchStrategy[Json]


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Return objects that may lack any of the fields, or hold anything in them."""
    return st.fixed_dictionaries({}, optional={name: value | JSON for name, value in fields.items()})


COMMANDS = (
    st.sampled_from(("ls", "submit", "exit_cost", "open a", "", "str_replace_editor view /a", "'"))
    | st.text()
)
CALLS = some(
    tool_call_id=st.sampled_from("ab"),
    function_name=st.sampled_from(("bash", "str_replace_editor", "think", "finish", "search")),
    arguments=some(command=st.sampled_from(("ls", "view", "create")), path=st.text(), thought=st.text()),
)
RESULTS = some(source_call_id=st.sampled_from("ab"), content=st.text())
ATIF_STEP = st.fixed_dictionaries(
    {"source": st.sampled_from(("system", "user", "agent")), "message": st.text() | JSON},
    optional={
        "tool_calls": st.lists(CALLS, max_size=3) | JSON,
        "observation": some(results=st.lists(RESULTS, max_size=3)) | JSON,
        "unknown": JSON,
    },
)
SWE_AGENT_STEP = st.fixed_dictionaries(
    {"action": COMMANDS, "observation": st.text(), "thought": st.text() | JSON},
    optional={"state": some(working_dir=st.text()) | JSON, "response": JSON, "query": JSON},
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(("system", "user", "assistant", "tool", "exit", "odd"))},
    optional={
        "content": st.text() | st.just("```bash\nls\n```") | JSON,
        "tool_call_id": st.sampled_from("ab") | JSON,
        "extra": some(
            actions=st.lists(some(command=st.text(), tool_call_id=st.sampled_from("ab")), max_size=3),
            returncode=st.integers(),
            raw_output=st.text(),
            exit_status=st.just("Submitted"),
            interrupt_type=st.just("FormatError"),
        ),
    },
)


def document(
    key: str, items: st.SearchStrategy[Json], around: st.SearchStrategy[Json], **more: str
) -> Documents:
    """Return documents with a list of items under a key, among whatever else."""

    def made(listed: list[Json], rest: Json) -> Json:
        return {**rest, **more, key: listed}

    return st.builds(made, st.lists(items, min_size=1, max_size=5), around)


DOCUMENTS: dict[str, Documents] = {
    "ATIF": document(
        "steps",
        ATIF_STEP,
        some(agent=some(tool_definitions=JSON), subagent_trajectories=JSON, extra=some(refold=JSON)),
        schema_version="ATIF-v1.5",
    ),
    "SWE-agent": document(
        "trajectory",
        SWE_AGENT_STEP,
        some(history=st.lists(some(role=st.sampled_from(("system", "user")), content=JSON)), attempts=JSON),
    ),
    "mini-swe-agent": document("messages", MESSAGE, some(info=JSON)),
}


@pytest.mark.parametrize("form", DOCUMENTS)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_it_holds_it_becomes_a_stream_that_can_be_shown_and_passed_on(
    form: str, data: st.DataObject
) -> None:
    found: Json = data.draw(DOCUMENTS[form])
    with TemporaryDirectory() as folder:
        file = Path(folder) / "file.json"
        file.write_text(json.dumps(found))
        try:
            trajectory = read_trajectory(file)
        except TrajectoryUnreadable:
            assert form == "SWE-agent"  # A first step without its marks is an event of nobody.
            return
        stream = to_stream(trajectory)
        records = committed(stream.events)
        renderer = Renderer()
        file.write_text("\n".join(renderer.line(record) for record in records))
        again = to_stream(read_trajectory(file))

    assert again.events[1:] == stream.events[1:]
    assert pending(records) == ()
    steps(records)
    json.loads(export_array(records))
    told = export_atif(records, line=Renderer().line)
    if form == "ATIF":
        assert json.dumps(json.loads(told), sort_keys=True) == json.dumps(found, sort_keys=True)
    else:
        atif.Trajectory.model_validate(json.loads(told))
