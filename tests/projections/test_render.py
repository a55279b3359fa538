"""What `refold events --json` promises of each record."""

import json
from pathlib import Path

from refold.eventlog.actions import Other, Read, Run
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    AgentStateChanged,
    MessageReceived,
    ModelAnswered,
    ObservationRecorded,
    SessionStarted,
    Unknown,
)
from refold.eventlog.observations import FileEdited, OtherObservation, RunOutput
from refold.eventlog.record import Given, Record
from refold.projections.render import Renderer, kind_of, render
from tests.formats.native import NATIVE
from tests.formats.streams import AT, action, committed, imported_list

KEYS = {
    "position", "version", "stream", "at", "type", "data", "cause", "command", "by", "epoch", "digest",
}  # fmt: skip


def test_every_record_has_the_promised_keys_and_is_json() -> None:
    renderer = Renderer()

    for record in committed(NATIVE):
        rendered = json.loads(renderer.line(record))
        assert rendered.keys() >= KEYS
        assert rendered == renderer.render(record)
        assert (rendered["version"], rendered["at"], rendered["cause"]) == (record.version, AT, record.cause)
        assert (rendered["command"], bytes.fromhex(rendered["digest"])) == ("import", record.digest)
        assert {"type", "cause", "by"}.isdisjoint(rendered["data"])
        assert "foreign" not in rendered["data"]


def test_fields_at_their_defaults_are_there() -> None:
    ran = RunOutput(content="", exit_code=0)
    data = [
        render(record)["data"]
        for record in committed(
            (
                ActionProposed(action=Run(command="ls")),
                ObservationRecorded(observation=ran),
                AgentStateChanged(state="running"),
                ObservationRecorded(observation=FileEdited(content="", path="a")),
                ModelAnswered(model="m"),
                ActionProposed(action=Read(path="a", view_range=(1, 2))),
            )
        )
    ]

    assert data[0]["action"] == {
        "kind": "run", "command": "ls", "is_input": False, "timeout": None, "restart": False,
        "thought": "", "extra": {},
    }  # fmt: skip
    assert data[1]["observation"] == {
        "kind": "run", "content": "", "exit_code": 0, "command": "", "directory": "",
    }  # fmt: skip
    assert data[2] == {"state": "running", "reason": "", "retry_at": None}
    assert data[3]["observation"]["existed"] is True
    assert data[4]["usage"] == {
        "prompt": 0, "completion": 0, "cached": 0, "cache_written": 0, "reasoning": 0,
    }  # fmt: skip
    assert data[4]["tool_calls"] == []
    assert data[5]["action"]["view_range"] == [1, 2]


def test_settings_are_rendered_whole() -> None:
    [record] = [record for record in committed(NATIVE) if isinstance(record.event, SessionStarted)]
    assert record.event == NATIVE[0]
    settings = render(record)["data"]["settings"]
    assert settings["iterations_max"] == 500
    assert settings["secrets"] == ["TOKEN"]


def test_kinds_that_are_only_carried_look_like_kinds_that_are_known() -> None:
    asked = Other(name="run_ipython", arguments={"code": "1", "thought": "t"})
    answered = OtherObservation(name="run_ipython", content="1", fields={"image_urls": None})
    records = committed((ActionProposed(action=asked), ObservationRecorded(observation=answered)))

    assert render(records[0])["data"]["action"] == {
        "kind": "run_ipython", "code": "1", "thought": "t", "extra": {},
    }  # fmt: skip
    assert render(records[1])["data"]["observation"] == {
        "kind": "run_ipython", "content": "1", "image_urls": None,
    }  # fmt: skip
    assert (kind_of(asked), kind_of(answered), kind_of(Run(command=""))) == (
        "run_ipython",
        "run_ipython",
        "run",
    )


def test_whoever_gave_the_command_is_named_on_each_of_its_events() -> None:
    first, second = committed((MessageReceived(content="a"), MessageReceived(content="b", by="policy")))
    other = committed((MessageReceived(content="c"),), stream="t")[0]
    third = _without_given(other)
    renderer = Renderer()

    assert [renderer.render(record)["by"] for record in (first, second)] == ["user", "policy"]
    assert renderer.render(third)["by"] == "user"
    assert render(third)["by"] is None
    assert render(third, by="agent")["by"] == "agent"


def test_the_giver_of_one_command_is_not_taken_for_that_of_another() -> None:
    renderer = Renderer()
    renderer.render(committed((MessageReceived(content="a"),))[0])

    assert renderer.render(_without_given(_record("another")))["by"] is None


def test_a_command_is_shown_where_it_is_stored() -> None:
    first, second = committed((MessageReceived(content="a"), MessageReceived(content="b")))

    assert render(first)["given"]["kind"] == "Import"
    assert "given" not in render(second)


def test_an_event_of_a_newer_version_is_shown_under_its_own_name() -> None:
    record = _record("c", Unknown(name="BrowserOpened", fields={"url": "u"}))

    assert (render(record)["type"], render(record)["data"]) == ("BrowserOpened", {"url": "u"})
    assert render(_record("c", ActionStarted(cause=1, incarnation="i")))["type"] == "ActionStarted"


def test_an_imported_event_shows_its_original(tmp_path: Path) -> None:
    event = action("think", thought="t", far=10**30)
    record = imported_list(tmp_path, [event])[1]

    assert render(record)["data"]["foreign"] == event
    assert json.loads(Renderer().line(record))["data"]["foreign"] == event


def _record(command: str, event: Unknown | ActionStarted | None = None) -> Record:
    return Record(
        position=0,
        stream="s",
        version=0,
        at=AT,
        event=event or MessageReceived(content="x"),
        command=command,
        epoch=0,
        digest=b"\x00",
        given=Given(id=command, kind="K", at=AT, by="system"),
    )


def _without_given(record: Record) -> Record:
    return Record(
        position=record.position,
        stream=record.stream,
        version=record.version,
        at=record.at,
        event=record.event,
        command=record.command,
        epoch=record.epoch,
        digest=record.digest,
    )
