"""A fork goes on from any version of any session, and nothing is due in two streams."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert
from msgspec.structs import replace

from refold.actors.session.commands import SendMessage
from refold.actors.session.due import AskModel, Execute, due
from refold.actors.session.fork import ForkRefused, copy_workspace, fork
from refold.actors.session.importing import import_trajectory
from refold.actors.session.show import shown
from refold.actors.session.verify import verify
from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    AgentState,
    AgentStateChanged,
    AskAbandoned,
    Event,
    MessageReceived,
    ModelAsked,
    ObservationRecorded,
    SessionClaimed,
    SessionForked,
    SessionImported,
    SystemMessageAdded,
)
from refold.eventlog.log import Append, Appended, Entry
from refold.eventlog.observations import Cancelled
from refold.eventlog.settings import Settings
from tests.session.generated import CODE, CONFIRMED, IDENTITY, PLANS, STREAM, Made, Plan, make

FORK = "fork"
OWN = Settings(model="script:lines", workspace="/old", sandbox="bubblewrap", iterations_max=4)


def forked(made: Made, at: int, *, name: str = FORK, parent: str = STREAM) -> Appended:
    return fork(
        made.log, parent, at, name, workspace="/copy", identity=IDENTITY, command=f"fork {name}", now_ns=5
    )


def go_on(made: Made, name: str) -> None:
    made.sessions.claim(name)
    made.stepper.run()


@settings(max_examples=30, deadline=None)
@given(plan=PLANS, data=st.data())
def test_a_fork_of_any_version_owes_nothing_that_its_parent_owes_and_goes_on(
    plan: Plan, data: st.DataObject
) -> None:
    made = make(plan)
    before = list(made.log.read(STREAM))
    at = data.draw(st.integers(0, len(before) - 1))
    records = forked(made, at).records
    assert [record.version for record in records] == list(range(at + 1, at + 1 + len(records)))
    state = made.sessions.state(FORK)
    parent = made.sessions.state(STREAM, until=at)
    assert not [effect for effect in due(state) if isinstance(effect, AskModel | Execute)]
    assert state.hands.open == ()
    answered = [record.cause for record in records if isinstance(record.event, ObservationRecorded)]
    assert answered == [opened.version for opened in parent.hands.open]
    assert bool(made.log.agenda().get(FORK)) == bool(due(state))
    assert verify(made.log, FORK, code=CODE).ok
    go_on(made, FORK)
    assert verify(made.log, FORK, code=CODE).ok
    state = made.sessions.state(FORK)
    assert not due(state)
    assert state.agent.state not in {"running", "loading"}
    assert list(made.log.read(STREAM)) == before
    assert all(count == 1 for count in made.world.carried_out.values())
    waiting = [opened.version for opened in state.hands.open]
    assert sorted([*answers_of(made, FORK), *waiting]) == actions_of(made, FORK)


def actions_of(made: Made, stream: str) -> list[int]:
    return sorted(
        record.version
        for record in made.log.read(stream)
        if isinstance(record.event, ActionProposed) and record.event.action.__struct_config__.tag != "message"
    )


def answers_of(made: Made, stream: str) -> list[int]:
    records = list(made.log.read(stream))
    return [record.cause or 0 for record in records if isinstance(record.event, ObservationRecorded)]


def test_every_version_of_a_session_can_be_forked_and_finishes_or_waits() -> None:
    made = make(Plan(4, "never", 20, "do it", ("two", "limit", "nope", "finish"), (), ()))
    for at in range(len(list(made.log.read(STREAM)))):
        name = f"fork-{at}"
        forked(made, at, name=name)
        go_on(made, name)
        told = [r for r in made.log.read(name) if isinstance(r.event, MessageReceived)]
        assert [r.event.content for r in told if isinstance(r.event, MessageReceived)] == ["do it"]
        state = made.sessions.state(name).agent.state
        assert state in {"finished", "error"}, (at, state)
        assert verify(made.log, name, code=CODE).ok


@settings(max_examples=10, deadline=None)
@given(plan=PLANS, data=st.data())
def test_a_fork_can_be_forked_anywhere(plan: Plan, data: st.DataObject) -> None:
    made = make(plan)
    forked(made, data.draw(st.integers(0, made.sessions.state(STREAM).version)))
    go_on(made, FORK)
    at = data.draw(st.integers(0, made.sessions.state(FORK).version))
    forked(made, at, name="again", parent=FORK)
    go_on(made, "again")
    assert verify(made.log, "again", code=CODE).ok
    assert not due(made.sessions.state("again"))
    assert shown(made.log.read("again"))["parent"] == {"session": FORK, "version": at}


def test_every_version_of_a_session_that_was_confirmed_can_be_forked() -> None:
    made = make(CONFIRMED)
    assert any(isinstance(record.event, ActionsConfirmed) for record in made.log.read(STREAM))
    for at in range(len(list(made.log.read(STREAM)))):
        name = f"fork-{at}"
        forked(made, at, name=name)
        go_on(made, name)
        assert verify(made.log, name, code=CODE).ok
        assert not due(made.sessions.state(name))
    assert all(count == 1 for count in made.world.carried_out.values())


def test_a_fork_is_shown_with_its_parent_and_its_own_workspace() -> None:
    made = make(Plan(1, "never", 9, "do it", ("two", "finish"), (), ()))
    forked(made, 8)
    seen = shown(made.log.read(FORK))
    assert (seen["session"], seen["parent"]) == (FORK, {"session": STREAM, "version": 8})
    assert (seen["workspace"], seen["epoch"]) == ("/copy", 1)
    below = shown(made.log.read(FORK, until=5), session=FORK)
    assert (below["session"], below["parent"], below["workspace"]) == (FORK, None, "/w")


def test_what_was_under_way_is_not_carried_over() -> None:
    made = make(Plan(1, "always", 9, "do it", ("two",), (), ()))
    at = made.sessions.state(STREAM).version
    records = forked(made, at).records
    assert [record.type for record in records] == [
        "SessionForked",
        "SessionClaimed",
        "ObservationRecorded",
        "ObservationRecorded",
        "AgentStateChanged",
    ]
    for record in records[2:4]:
        assert isinstance(record.event, ObservationRecorded)
        assert isinstance(record.event.observation, Cancelled)
        assert record.event.observation.reason == "not_carried_over"
        assert record.event.tool_call_id is not None
    assert shown(made.log.read(FORK))["status"] == "awaiting_user_input"
    assert shown(made.log.read(STREAM))["status"] == "awaiting_user_confirmation"


def test_an_open_ask_is_abandoned_and_asked_again_as_the_next_attempt() -> None:
    made = make(Plan(1, "never", 9, "do it", ("finish",), (), ()))
    asked = next(record for record in made.log.read(STREAM) if isinstance(record.event, ModelAsked))
    forked(made, asked.version)
    go_on(made, FORK)
    own = list(made.log.read(FORK, after=asked.version))
    assert [r.cause for r in own if isinstance(r.event, AskAbandoned)] == [asked.version]
    assert [r.event.attempt for r in own if isinstance(r.event, ModelAsked)] == [2]
    assert made.sessions.state(FORK).agent.state == "finished"


def test_a_fork_right_behind_a_message_answers_it() -> None:
    made = make(Plan(1, "never", 9, "do it", ("text", "text", "finish"), (), (("say", 300),)))
    said = [record for record in made.log.read(STREAM) if isinstance(record.event, MessageReceived)]
    assert len(said) == 2
    forked(made, said[1].version)
    go_on(made, FORK)
    assert any(isinstance(record.event, ModelAsked) for record in made.log.read(FORK, after=said[1].version))


def imported(status: AgentState) -> Made:
    made = make(Plan(1, "never", 9, "do it", ("finish",), (), ()))
    events: tuple[Event, ...] = (
        SessionImported(source="x.json", format="list", events=3, status=status),
        SystemMessageAdded(content="Be somebody else.", foreign="{}"),
        MessageReceived(content="hi", by="user", foreign="{}"),
        AgentStateChanged(state="running", foreign="{}"),
    )
    import_trajectory(made.log, "old", events, now_ns=1, command="import")
    return made


@pytest.mark.parametrize(
    "status", ["running", "finished", "stopped", "paused", "awaiting_user_input", "error"]
)
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_fork_of_an_import_is_a_session_that_can_be_told_things(status: AgentState, at: int) -> None:
    made = imported(status)
    with pytest.raises(ForkRefused, match="settings"):
        forked(made, at, parent="old")
    fork(
        made.log, "old", at, FORK,
        workspace="/copy", identity=IDENTITY, command="fork", now_ns=5, settings=OWN,
    )  # fmt: skip
    seen = shown(made.log.read(FORK))
    assert (seen["status"], seen["workspace"], seen["imported"]) == ("awaiting_user_input", "/copy", False)
    assert seen["limits"]["iterations_left"] == 4
    assert verify(made.log, FORK, code=CODE).ok
    go_on(made, FORK)
    assert made.sessions.state(FORK).agent.state == "awaiting_user_input"
    said = SendMessage(id="say", at=9, by="user", fact=MessageReceived(content="go on"))
    made.sessions.tell(FORK, said)
    made.stepper.run()
    state = made.sessions.state(FORK)
    assert state.agent.state == "finished"
    found = verify(made.log, FORK, code=CODE)
    assert (found.ok, found.foreign) == (True, at)
    greetings = [r.event for r in made.log.read(FORK) if isinstance(r.event, SystemMessageAdded)]
    assert "Be somebody else." not in greetings[-1].content
    assert "/workspace" in greetings[-1].content


def test_a_fork_that_leaves_something_due_in_two_streams_is_found() -> None:
    made = make(Plan(1, "never", 9, "do it", ("two",), (), ()))
    asked = next(record for record in made.log.read(STREAM) if isinstance(record.event, ModelAsked))
    first = forked(made, asked.version).records[0]
    assert isinstance(first.event, SessionForked)
    assert first.event.digest == asked.digest.hex()
    assert first.given is not None
    claim = convert(first.given.body["claim"], SessionClaimed)
    entry = Entry(replace(first.given, id="forged"), (first.event, claim))
    made.log.commit(Append(stream="forged", expected=asked.version, epoch=1, entries=(entry,)))
    found = verify(made.log, "forged", code=CODE).divergence
    assert found is not None
    assert (found.version, found.expected, found.found["type"]) == (asked.version + 3, None, "AskAbandoned")


@pytest.mark.parametrize(
    ("parent", "at", "name", "reason"),
    [
        ("nobody", 0, FORK, "no session 'nobody'"),
        (STREAM, -1, FORK, "versions 0 to"),
        (STREAM, 10_000, FORK, "versions 0 to"),
        (STREAM, 0, STREAM, "already"),
    ],
)
def test_what_cannot_be_forked_is_refused_and_nothing_is_recorded(
    parent: str, at: int, name: str, reason: str
) -> None:
    made = make(Plan(1, "never", 9, None, (), (), ()))
    end = made.log.end
    with pytest.raises(ForkRefused, match=reason):
        forked(made, at, name=name, parent=parent)
    assert made.log.end == end


def test_the_same_fork_again_is_the_same_fork() -> None:
    made = make(Plan(1, "never", 9, None, (), (), ()))
    assert forked(made, 1).records == forked(made, 1).records


# Workspaces -------------------------------------------------------------------------------------------


def test_a_workspace_is_copied_with_its_links_and_permissions(tmp_path: Path) -> None:
    source, target = tmp_path / "from", tmp_path / "deep/to"
    (source / "bin").mkdir(parents=True)
    (source / "bin/run").write_text("#!/bin/sh\n")
    (source / "bin/run").chmod(0o751)
    (source / "inside").symlink_to("bin/run")
    (source / "outside").symlink_to("/nowhere/at/all")
    (source / "empty").mkdir(mode=0o700)
    os.mkfifo(source / "pipe")
    copy_workspace(source, target)
    assert stat.S_IMODE((target / "bin/run").stat().st_mode) == 0o751
    assert (target / "inside").readlink() == Path("bin/run")
    assert (target / "outside").readlink() == Path("/nowhere/at/all")
    assert (target / "empty").is_dir()
    assert not (target / "pipe").exists()


def test_an_error_leaves_no_half_of_a_copy(tmp_path: Path) -> None:
    source, target = tmp_path / "from", tmp_path.joinpath(*["t" * 200] * 7) / "to"
    inner = source.joinpath(*["s" * 200] * 15)
    inner.mkdir(parents=True)
    (source / "a").write_text("copied before the path grows too long")
    with pytest.raises(OSError, match="too long"):
        copy_workspace(source, target)
    assert target.parent.is_dir()
    assert not target.exists()


def test_a_folder_is_not_copied_into_itself_nor_from_nowhere(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    with pytest.raises(OSError, match="inside"):
        copy_workspace(tmp_path / "from", tmp_path / "from/within")
    with pytest.raises(OSError, match="No such"):
        copy_workspace(tmp_path / "gone", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_a_copy_goes_into_no_folder_that_holds_something(tmp_path: Path) -> None:
    source, target = tmp_path / "from", tmp_path / "to"
    source.mkdir()
    target.mkdir()
    (target / "precious").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        copy_workspace(source, target)
    assert (target / "precious").read_text() == "mine"
