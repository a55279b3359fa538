"""Which actions still wait for their observation."""

from pathlib import Path

from refold.eventlog.actions import Finish, Message, Other, Run
from refold.eventlog.events import ActionProposed, MessageReceived, ObservationRecorded
from refold.eventlog.observations import RunOutput
from refold.projections.pending import Open, Pending, pending
from refold.projections.projection import in_batches, project
from tests.formats.native import NATIVE
from tests.formats.streams import action, committed, forked, imported_list

OPEN = (
    MessageReceived(content="go"),
    ActionProposed(action=Message(content="hi")),
    ActionProposed(action=Run(command="a")),
    ActionProposed(action=Other(name="browse")),
    ActionProposed(action=Finish()),
    ObservationRecorded(cause=2, observation=RunOutput(content="", exit_code=0)),
)


def test_an_action_is_open_until_its_own_observation() -> None:
    records = committed(OPEN)

    assert pending(records) == (Open(3, "browse"), Open(4, "finish"))
    assert pending(records[:5]) == (Open(2, "run"), Open(3, "browse"), Open(4, "finish"))
    assert pending(records[:2]) == ()


def test_a_finished_session_owes_nothing() -> None:
    assert pending(committed(NATIVE)) == ()


def test_what_was_imported_owes_nothing_and_a_fork_only_its_own(tmp_path: Path) -> None:
    records = imported_list(tmp_path, [action("run", command="a"), action("run", command="b")])

    assert pending(records) == ()
    assert pending(forked(records, OPEN)) == (Open(6, "run"), Open(7, "browse"), Open(8, "finish"))


def test_the_fold_in_batches_is_the_fold_at_once() -> None:
    records = committed(OPEN)

    assert in_batches(Pending(), [records[:3], records[3:]]) == project(Pending(), records)
