"""An imported trajectory is a stream like any other, except that nobody drives it."""

import pytest

from refold.actors.session.commands import SendMessage
from refold.actors.session.decide import decide
from refold.actors.session.due import due
from refold.actors.session.evolve import fold
from refold.actors.session.importing import import_trajectory
from refold.actors.session.refused import Refused
from refold.actors.session.state import initial_state
from refold.actors.session.verify import Verification, verify
from refold.eventlog.actions import Finish, Run
from refold.eventlog.events import (
    ActionProposed,
    Event,
    MessageReceived,
    ObservationRecorded,
    SessionImported,
    SystemMessageAdded,
)
from refold.eventlog.log import StreamUnknown, WrongVersion
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.observations import RunOutput
from tests.session.generated import WitnessLog

RECORDED: tuple[Event, ...] = (
    SystemMessageAdded(content="Be good.", by="agent", foreign='{"id":0}'),
    MessageReceived(content="hi", by="user", foreign='{"id":1}'),
    ActionProposed(action=Run(command="ls"), by="agent", foreign='{"id":2}'),
    ObservationRecorded(
        observation=RunOutput(content="x", exit_code=0), cause=3, by="agent", foreign='{"id":3}'
    ),
    ActionProposed(action=Run(command="pwd"), by="agent", foreign='{"id":4}'),
    ActionProposed(action=Finish(), by="agent", foreign='{"id":5}'),
)
HEAD = SessionImported(source="x.json", format="list", events=len(RECORDED), status="finished")


def test_an_import_is_one_commit_of_one_command_that_nobody_claimed() -> None:
    log = MemoryLog()
    records = import_trajectory(log, "old", (HEAD, *RECORDED), now_ns=77, command="import").records
    assert [record.version for record in records] == list(range(7))
    assert {record.command for record in records} == {"import"}
    assert {(record.at, record.epoch) for record in records} == {(77, 0)}
    assert [record.given is not None for record in records] == [True] + [False] * 6
    assert records[0].given is not None
    assert (records[0].given.kind, records[0].given.by) == ("ImportSession", "user")
    assert [record.event for record in log.read("old")] == [HEAD, *RECORDED]
    assert [record.event.by for record in records] == [
        None,
        "agent",
        "user",
        "agent",
        "agent",
        "agent",
        "agent",
    ]


def test_b51_an_import_owes_nothing_though_an_action_has_no_answer() -> None:
    log = MemoryLog()
    import_trajectory(log, "old", (HEAD, *RECORDED), now_ns=77, command="import")
    state = fold(initial_state(), log.read("old"))
    assert due(state) == ()
    assert state.hands.open == ()
    assert state.agent.state == "finished"
    assert log.agenda() == {}
    assert verify(log, "old") == Verification(ok=True, records=7, foreign=6)
    say = SendMessage(id="s", at=1, by="user", fact=MessageReceived(content="go on"))
    with pytest.raises(Refused, match=r"replay.*fork"):
        decide(state, say)


@pytest.mark.parametrize(
    ("events", "error"),
    [
        (RECORDED, TypeError),
        ((HEAD, *RECORDED[:-1]), ValueError),
        ((HEAD, *RECORDED[:-1], MessageReceived(content="ours")), ValueError),
    ],
)
def test_what_is_no_whole_trajectory_is_not_imported(
    events: tuple[Event, ...], error: type[Exception]
) -> None:
    log = MemoryLog()
    with pytest.raises(error):
        import_trajectory(log, "old", events, now_ns=77, command="import")
    with pytest.raises(StreamUnknown):
        log.read("old")


def test_each_import_needs_a_stream_of_its_own() -> None:
    log = MemoryLog()
    import_trajectory(log, "old", (HEAD, *RECORDED), now_ns=77, command="one")
    with pytest.raises(WrongVersion):
        import_trajectory(log, "old", (HEAD, *RECORDED), now_ns=78, command="two")


def test_an_import_cut_short_behind_our_back_is_found() -> None:
    log = WitnessLog()
    import_trajectory(log, "old", (HEAD, *RECORDED), now_ns=77, command="import")
    log.lose("old", 6)
    found = verify(log, "old").divergence
    assert found is not None
    assert "1 imported events are missing" in found.reason
