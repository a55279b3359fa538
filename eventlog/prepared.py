"""An append made ready in its caller's thread, so that the one who commits only places and hashes."""

from msgspec import Struct

from refold.eventlog import digest, header
from refold.eventlog.codec import content_offset, encode
from refold.eventlog.events import Event, SessionForked
from refold.eventlog.header import Reference
from refold.eventlog.log import Append
from refold.eventlog.record import Given

NAME_LONGEST = 255
"""Bytes of a stream's name or a command's id: both are keys, and a key has 511 bytes at most."""


class PreparedEvent(Struct, frozen=True, gc=False):
    """`tail` is what follows the fixed header; `given` is the command's own, on its first event."""

    event: Event
    command: Given
    given: Given | None
    references: int
    tail: bytes


class PreparedCommand(Struct, frozen=True, gc=False):
    id: str
    content: bytes
    events: int


class Prepared(Struct, frozen=True, kw_only=True, gc=False):
    """`events` in order, `commands` as they come among them; `size` counts the bytes to be written."""

    stream: str
    name: bytes
    expected: int
    epoch: int
    agenda: bytes | None
    fork: SessionForked | None
    events: tuple[PreparedEvent, ...]
    commands: tuple[PreparedCommand, ...]
    payloads: tuple[tuple[Reference, bytes], ...]
    size: int


def prepare(append: Append) -> Prepared:
    """Encode an append; raise ValueError where it asks what no log can keep."""
    name = _key(append.stream, "stream name")
    if not append.entries:
        raise ValueError(f"stream {append.stream!r}: an append needs at least one command")
    events: list[PreparedEvent] = []
    commands: list[PreparedCommand] = []
    payloads: list[tuple[Reference, bytes]] = []
    epoch, size, content = append.epoch, 0, content_offset(append.epoch)
    for entry in append.entries:
        command = entry.given
        _key(command.id, "command id")
        if not entry.events:
            raise ValueError(f"command {command.id!r}: at least one event must come of it")
        parts: list[bytes] = []
        given: Given | None = command
        for event in entry.events:
            try:
                body, texts = encode(event, epoch, command.id, command.at, given)
            except (TypeError, OverflowError, UnicodeError) as error:
                what = type(event).__name__
                raise ValueError(f"command {command.id!r}: {what} cannot be kept: {error}") from error
            if texts:
                references = header.pack_references([reference for reference, _ in texts])
                tail = name + references + body
                parts.append(references + body[content:])
                payloads += texts
            else:
                tail = name + body
                parts.append(body[content:])
            size += len(tail)
            events.append(PreparedEvent(event, command, given, len(texts), tail))
            given = None
        commands.append(PreparedCommand(command.id, digest.content(name, parts), len(parts)))
    if len(events) > 1 and any(type(prepared.event) is SessionForked for prepared in events[1:]):
        raise ValueError(f"stream {append.stream!r}: a fork is the first event of its stream")
    for reference, _ in payloads:
        size += reference.size
    start = events[0].event
    return Prepared(
        stream=append.stream,
        name=name,
        expected=append.expected,
        epoch=epoch,
        agenda=append.agenda,
        fork=start if type(start) is SessionForked else None,
        events=tuple(events),
        commands=tuple(commands),
        payloads=tuple(payloads),
        size=size,
    )


def _key(text: str, what: str) -> bytes:
    key = text.encode()
    if not 0 < len(key) <= NAME_LONGEST:
        raise ValueError(f"{what} {text[:40]!r}: 1 to {NAME_LONGEST} bytes, found {len(key)}")
    return key
