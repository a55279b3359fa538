"""Records as bytes: what is not understood is kept, and what lies is named."""

from typing import Any

import pytest
from msgspec.msgpack import encode as pack

from refold.eventlog import digest, header
from refold.eventlog.codec import decode
from refold.eventlog.events import Event, MessageReceived, Unknown
from refold.eventlog.log import NO_STREAM, CorruptRecord
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.upcasters import UPCASTERS, Upcasters
from refold.testing.appends import append

LOG = bytes(16)


def stored(event: dict[str, Any], *, schema: int = 1) -> bytes:
    """Return a sound record that holds whatever is called an event here."""
    body = pack([1, 2, "c", schema, event, None])
    unsigned = header.pack(LOG, b"s", 0, 0, digest.NOTHING, 0) + b"s" + body
    return unsigned + digest.leaf(unsigned)


def event_of(record: bytes, *, check: bool = True, upcasters: Upcasters = UPCASTERS) -> Event:
    return decode(record, 0, log=LOG, fetch=lambda _: None, check=check, upcasters=upcasters).event


def test_an_event_of_an_unknown_type_is_kept_whole() -> None:
    event = event_of(stored({"type": "MoodChanged", "cause": 3, "by": "agent", "mood": {"glad": [1, None]}}))
    assert event == Unknown(name="MoodChanged", cause=3, by="agent", fields={"mood": {"glad": [1, None]}})


def test_an_event_whose_payload_is_of_an_unknown_kind_is_kept_whole() -> None:
    action = {"kind": "teleport", "to": "moon"}
    event = event_of(stored({"type": "ActionProposed", "action": action}))
    assert event == Unknown(name="ActionProposed", fields={"action": action})


def test_an_unknown_event_with_a_strange_cause_is_kept_all_the_same() -> None:
    event = event_of(stored({"type": "MoodChanged", "cause": "love"}))
    assert event == Unknown(name="MoodChanged", fields={"cause": "love"})


def test_an_event_of_a_newer_schema_is_kept_whole() -> None:
    event = event_of(stored({"type": "MessageReceived", "content": "x"}, schema=2))
    assert event == Unknown(name="MessageReceived", fields={"content": "x"})


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert event_of(stored({"type": "MessageReceived", "content": "x", "new": 1})) == MessageReceived(
        content="x"
    )


def test_older_schemas_are_lifted_step_by_step() -> None:
    upcasters = Upcasters()

    @upcasters.register("MessageReceived", 1)
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return {"body": fields["text"]}

    @upcasters.register("MessageReceived", 2)
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return {"content": fields["body"].upper()}

    @upcasters.register("Said", 1, to=("MessageReceived", 2))
    def _(fields: dict[str, Any]) -> dict[str, Any]:
        return {"body": fields["words"]}

    first = stored({"type": "MessageReceived", "text": "a"}, schema=1)
    second = stored({"type": "MessageReceived", "body": "b"}, schema=2)
    third = stored({"type": "MessageReceived", "content": "c"}, schema=3)
    other = stored({"type": "Said", "words": "d"}, schema=1)
    lifted = [event_of(record, upcasters=upcasters) for record in (first, second, third, other)]
    assert lifted == [MessageReceived(content=content) for content in ("A", "B", "c", "D")]
    with pytest.raises(ValueError, match="already"):
        upcasters.register("Said", 1)(lambda fields: fields)


def test_b48_every_changed_byte_is_found() -> None:
    log = MemoryLog(id=LOG)
    log.commit(append("s", NO_STREAM, "1", "hello"))
    ((_, sound),) = log.rows()
    for offset in range(len(sound)):
        broken = bytearray(sound)
        broken[offset] ^= 1 << (offset % 8)
        with pytest.raises(CorruptRecord) as found:
            decode(bytes(broken), 0, log=LOG, fetch=lambda _: None)
        assert found.value.position == 0


def test_a_record_cut_short_anywhere_is_corrupt() -> None:
    sound = stored({"type": "MessageReceived", "content": "hello"})
    for length in range(len(sound)):
        with pytest.raises(CorruptRecord):
            decode(sound[:length], 0, log=LOG, fetch=lambda _: None)


def test_unchecked_reading_still_refuses_what_cannot_be_read() -> None:
    sound = stored({"type": "MessageReceived", "content": "hello"})
    start = sound.index(b"content")
    broken = sound[:start] + b"CONTENT" + sound[start + 7 :]
    with pytest.raises(CorruptRecord, match="digest"):
        event_of(broken, check=False)


def test_a_record_of_another_log_or_place_is_corrupt() -> None:
    sound = stored({"type": "MessageReceived", "content": "hello"})
    with pytest.raises(CorruptRecord, match="belongs to the log"):
        decode(sound, 0, log=b"\1" * 16, fetch=lambda _: None)
    with pytest.raises(CorruptRecord, match="written for position 0"):
        decode(sound, 5, log=LOG, fetch=lambda _: None)


def test_a_record_of_another_format_says_so() -> None:
    sound = stored({"type": "MessageReceived", "content": "hello"})
    with pytest.raises(CorruptRecord, match="format 2"):
        decode(b"\0\2" + sound[2:], 0, log=LOG, fetch=lambda _: None)


def test_a_long_text_that_is_missing_or_changed_is_found() -> None:
    log = MemoryLog(id=LOG)
    log.commit(append("s", NO_STREAM, "1", "x" * 70_000))
    ((_, record),) = log.rows()
    assert len(record) < 500
    with pytest.raises(CorruptRecord, match="missing"):
        decode(record, 0, log=LOG, fetch=lambda _: None)
    with pytest.raises(CorruptRecord, match="not what it was"):
        decode(record, 0, log=LOG, fetch=lambda _: b"y" * 70_000)


def test_the_same_inputs_give_the_same_bytes() -> None:
    one, two = MemoryLog(id=LOG), MemoryLog(id=LOG)
    for log in (one, two):
        log.commit(append("s", NO_STREAM, "1", "x" * 70_000, "y"), append("t", NO_STREAM, "2"))
    assert list(one.rows()) == list(two.rows())
