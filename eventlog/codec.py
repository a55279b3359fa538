"""Records to bytes and back.

The body is msgpack: the envelope an array, so that it stays small, the event a map, so that it can grow.
"""

from collections.abc import Callable
from typing import Any, cast

from msgspec import MsgspecError, Struct, ValidationError, convert, to_builtins
from msgspec.msgpack import Decoder, Encoder, Ext
from msgspec.msgpack import decode as decode_plain

from refold.eventlog import digest, header
from refold.eventlog.events import Event, Unknown
from refold.eventlog.header import Header, Malformed, Reference
from refold.eventlog.log import CorruptRecord
from refold.eventlog.payloads import LONGEST, Missing, take_out, verified
from refold.eventlog.record import Given, Record
from refold.eventlog.upcasters import UPCASTERS, Upcasters

type Fetch = Callable[[Reference], bytes | None]


class Body(Struct, frozen=True, array_like=True, gc=False):
    """What a record says. The epoch comes first: a command's content is everything after it."""

    epoch: int
    at: int
    command: str
    schema: int
    event: Event
    given: Given | None


class _PlainBody(Struct, frozen=True, array_like=True):
    """The same for events that today's types do not fit."""

    epoch: int
    at: int
    command: str
    schema: int
    event: dict[str, Any]
    given: Given | None


type Texts = tuple[tuple[Reference, bytes], ...]
type Encoded = tuple[bytes, Texts]
"""A body ready to be placed, and the long texts that were taken out of it."""

_encoder = Encoder()
body_decoder = Decoder(Body)


def encode(  # noqa: PLR0913, PLR0917 - the envelope has this many parts
    event: Event, epoch: int, command: str, at: int, given: Given | None, upcasters: Upcasters = UPCASTERS
) -> Encoded:
    """Return the stored form of an event's body, its long texts taken out."""
    schema = upcasters.current(type(event).__name__) if upcasters.any else 1
    body = _encoder.encode(Body(epoch, at, command, schema, event, given))
    if len(body) <= LONGEST:
        return body, ()
    taken: list[tuple[Reference, bytes]] = []
    plain = take_out(to_builtins(Body(epoch, at, command, schema, event, given)), taken)
    return _encoder.encode(plain), tuple(taken)


def content_offset(epoch: int) -> int:
    """Return where in a body the command's content begins: after the array's first byte and the epoch."""
    return 2 if 0 <= epoch < 128 else 1 + len(_encoder.encode(epoch))  # noqa: PLR2004 - as msgpack has it


def decode(  # noqa: PLR0913 - likewise
    stored: bytes,
    position: int,
    *,
    log: bytes,
    fetch: Fetch,
    check: bool = True,
    upcasters: Upcasters = UPCASTERS,
) -> Record:
    """Return the record stored at `position`; raise `CorruptRecord`, and nothing else."""
    try:
        head = header.unpack(stored)
        if check:
            verify(stored, head, position, log)
        return _record(stored, head, fetch, upcasters, checked=check)
    except (Malformed, Missing, MsgspecError, UnicodeDecodeError) as error:
        raise CorruptRecord(position, str(error)) from error


def verify(stored: bytes, head: Header, position: int, log: bytes) -> None:
    """Raise `Malformed` unless the record carries its own digest and stands where it belongs."""
    if digest.leaf(stored[: -digest.SIZE]) != stored[-digest.SIZE :]:
        raise Malformed("its digest is not that of its bytes")
    if head.position != position:
        raise Malformed(f"it was written for position {head.position}")
    if head.log != log:
        raise Malformed(f"it belongs to the log {head.log.hex()}")


def _record(stored: bytes, head: Header, fetch: Fetch, upcasters: Upcasters, *, checked: bool) -> Record:
    packed = memoryview(stored)[head.body : -digest.SIZE]
    body = None if head.references else _typed(packed, upcasters)
    if body is None:
        if not checked:  # what looks strange may just be broken
            verify(stored, head, head.position, head.log)
        body = _plain(packed, head, fetch, upcasters)
    return Record(
        position=head.position,
        stream=str(head.stream, "utf-8"),
        version=head.version,
        at=body.at,
        event=body.event,
        command=body.command,
        epoch=body.epoch,
        digest=stored[-digest.SIZE :],
        given=body.given,
    )


def _typed(packed: memoryview, upcasters: Upcasters) -> Body | None:
    """Decode an event of today's schema; None for any other."""
    try:
        body = body_decoder.decode(packed)
    except ValidationError:
        return None
    return body if body.schema == upcasters.current(type(body.event).__name__) else None


def _plain(packed: memoryview, head: Header, fetch: Fetch, upcasters: Upcasters) -> Body:
    """Decode by way of plain data: for texts kept elsewhere, older schemas and events of newer versions."""

    def put_back(code: int, data: memoryview) -> object:
        if code != 1 or len(data) != 1 or data[0] >= len(head.references):
            return Ext(code, bytes(data))
        reference = head.references[data[0]]
        return verified(reference, fetch(reference))

    plain = convert(decode_plain(packed, ext_hook=put_back), _PlainBody)
    name, schema, fields = upcasters.lift(cast("str", plain.event.pop("type", "")), plain.schema, plain.event)
    event: Event
    if schema != upcasters.current(name):
        event = _unknown(name, fields)
    else:
        try:
            event = cast("Event", convert({**fields, "type": name}, Event))
        except ValidationError:
            event = _unknown(name, fields)
    return Body(plain.epoch, plain.at, plain.command, plain.schema, event, plain.given)


def _unknown(name: str, fields: dict[str, Any]) -> Unknown:
    """Keep an event whole that nobody here understands; its cause and author are understood by all."""
    shared: dict[str, Any] = {key: fields[key] for key in ("cause", "by", "foreign") if key in fields}
    try:
        return convert({**shared, "name": name, "fields": _rest(fields, shared), "type": "Unknown"}, Unknown)
    except ValidationError:
        return Unknown(name=name, fields=fields)


def _rest(fields: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in shared}
