"""The rules by which an append is let in: the same for every backend, over whatever tables it has.

Nothing is written here. What is let in comes back with its place, its bytes and its digests.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from refold.eventlog import digest, header
from refold.eventlog.events import SessionForked
from refold.eventlog.log import NO_STREAM, CommandReused, Head, LogError, StreamUnknown, WrongVersion
from refold.eventlog.prepared import Prepared
from refold.eventlog.record import Record


class Known(Struct, frozen=True, gc=False):
    """Where a command's records begin, how many they are, and what it said."""

    first: int
    count: int
    content: bytes


class Tables(Protocol):
    """What admission asks of a backend, as of the transaction that is under way."""

    @property
    def end(self) -> int: ...
    def head(self, stream: str) -> Head | None: ...
    def command(self, name: str, /) -> Known | None: ...
    def digest_at(self, stream: str, version: int) -> bytes | None: ...


class Admitted(Struct, frozen=True, gc=False):
    """One append in its place."""

    append: Prepared
    records: tuple[Record, ...]
    stored: tuple[bytes, ...]
    head: Head


class Repeated(Struct, frozen=True, gc=False):
    """All of it was recorded before, at these positions."""

    positions: tuple[int, ...]


def admit(appends: Sequence[Prepared], tables: Tables, log: bytes) -> tuple[Admitted, ...] | Repeated:
    """Place the appends, all or none; raise the `LogError` that refuses them."""
    if len(appends) == 1 and len(appends[0].commands) == 1:  # as nearly always
        append = appends[0]
        if tables.command(append.commands[0].id) is None:
            version, previous = _joint(append, tables.head(append.stream), tables)
            return (_place(append, log, version + 1, tables.end, previous),)
    repeated = _repeated(appends, tables)
    if repeated is not None:
        return repeated
    position = tables.end
    heads: dict[str, Head] = {}
    admitted: list[Admitted] = []
    for append in appends:
        head = heads.get(append.stream) or tables.head(append.stream)
        version, previous = _joint(append, head, tables)
        placed = _place(append, log, version + 1, position, previous)
        position += len(placed.records)
        heads[append.stream] = placed.head
        admitted.append(placed)
    return tuple(admitted)


def _repeated(appends: Sequence[Prepared], tables: Tables) -> Repeated | None:
    """Tell whether all was recorded before; what is partly known, or other than it was, is refused."""
    commands = [command for append in appends for command in append.commands]
    if len(commands) > 1 and len({command.id for command in commands}) < len(commands):
        raise CommandReused(f"a command is given twice in one append: {[command.id for command in commands]}")
    positions: list[int] = []
    unknown: str | None = None
    for command in commands:
        known = tables.command(command.id)
        if known is None:
            unknown = command.id
        elif known.content != command.content:
            raise CommandReused(f"command {command.id!r} was recorded before with other content")
        else:
            positions.extend(range(known.first, known.first + known.count))
    if not positions:
        return None
    if unknown is not None:
        raise CommandReused(f"command {unknown!r} is new, but others of the same append were recorded before")
    return Repeated(tuple(positions))


def _joint(append: Prepared, head: Head | None, tables: Tables) -> tuple[int, bytes]:
    """Return the version and digest that the append continues."""
    if append.fork is not None:
        if head is not None:
            raise WrongVersion(append.stream, append.expected, head.version)
        if append.expected != append.fork.version:
            raise WrongVersion(append.stream, append.expected, append.fork.version)
        return append.expected, _forked(append.fork, tables)
    found = NO_STREAM if head is None else head.version
    if append.expected != found:
        raise WrongVersion(append.stream, append.expected, found)
    return found, digest.NOTHING if head is None else head.digest


def _forked(fork: SessionForked, tables: Tables) -> bytes:
    """Return the parent's digest at the forked version, having compared it with the one given."""
    head = tables.head(fork.parent)
    if head is None:
        raise StreamUnknown(f"no stream {fork.parent!r} to fork")
    found = tables.digest_at(fork.parent, fork.version) if 0 <= fork.version <= head.version else None
    if found is None:
        raise WrongVersion(fork.parent, fork.version, head.version)
    if found.hex() != fork.digest:
        raise LogError(f"fork of {fork.parent!r} at {fork.version}: digest {found.hex()}, not {fork.digest}")
    return found


def _place(append: Prepared, log: bytes, version: int, position: int, previous: bytes) -> Admitted:
    records: list[Record] = []
    stored: list[bytes] = []
    name, stream, epoch = append.name, append.stream, append.epoch
    for event in append.events:
        unsigned = header.pack(log, name, version, position, previous, event.references) + event.tail
        previous = digest.leaf(unsigned)
        stored.append(unsigned + previous)
        command = event.command
        records.append(
            Record(
                position=position,
                stream=stream,
                version=version,
                at=command.at,
                event=event.event,
                command=command.id,
                epoch=epoch,
                digest=previous,
                given=event.given,
            )
        )
        version += 1
        position += 1
    head = Head(version - 1, position - 1, previous)
    return Admitted(append, tuple(records), tuple(stored), head)
