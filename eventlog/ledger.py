"""The log told again from its records alone: every digest and chain, and the side tables as they must be."""

from collections.abc import Callable

from msgspec import Struct

from refold.eventlog import digest, header
from refold.eventlog.admission import Known
from refold.eventlog.codec import Fetch, content_offset, decode
from refold.eventlog.events import SessionForked
from refold.eventlog.lineage import Fork
from refold.eventlog.log import CorruptRecord, Head
from refold.eventlog.record import Record
from refold.eventlog.tables import Name

type DigestAt = Callable[[str, int], bytes | None]


class Line(Struct, frozen=True):
    """Where the index must have the record that was entered."""

    number: int
    version: int
    position: int


class Told(Struct, frozen=True):
    """What the table of commands must say of one."""

    command: str
    known: Known


class _Open(Struct):
    """The command whose records are being entered."""

    command: str
    stream: str
    first: int
    parts: list[bytes]


class Ledger:
    """Takes a log's records one after the other; `CorruptRecord` at the first that cannot be."""

    def __init__(self, log: bytes, digest_at: DigestAt) -> None:
        self._log = log
        self._digest_at = digest_at
        self._open: _Open | None = None
        self.end = 0
        self.names: dict[str, Name] = {}
        self.heads: dict[str, Head] = {}
        self.lines: list[Line] = []
        """Entered since somebody took them away to compare."""
        self.told: list[Told] = []

    def enter(self, position: int, stored: bytes, fetch: Fetch) -> None:
        """Check one record against all before it."""
        if position != self.end:
            raise CorruptRecord(self.end, "it is missing")
        record = decode(stored, position, log=self._log, fetch=fetch)
        head = self.heads.get(record.stream)
        name = self._begin(record, stored) if head is None else self.names[record.stream]
        if head is not None:
            if record.version != head.version + 1:
                raise CorruptRecord(position, f"version {record.version} follows {head.version}")
            if header.previous_of(stored) != head.digest:
                raise CorruptRecord(position, "it does not continue the record before it in its stream")
        self._join_command(record, stored)
        self.heads[record.stream] = Head(record.version, position, record.digest)
        self.lines.append(Line(name.number, record.version, position))
        self.end += 1

    def _begin(self, record: Record, stored: bytes) -> Name:
        """Let a stream begin: from nothing, or from the version of its parent that it names."""
        previous = header.previous_of(stored)
        fork: Fork | None = None
        version, expected = 0, digest.NOTHING
        if isinstance(record.event, SessionForked):
            fork = Fork(record.event.parent, record.event.version)
            version = fork.version + 1
            found = self._digest_at(fork.parent, fork.version) if fork.parent in self.names else None
            if found is None or found.hex() != record.event.digest:
                raise CorruptRecord(record.position, f"{fork.parent!r} has no such version {fork.version}")
            expected = found
        if record.version != version or previous != expected:
            raise CorruptRecord(record.position, f"stream {record.stream!r} does not begin here")
        name = self.names[record.stream] = Name(len(self.names), record.position, fork)
        return name

    def _join_command(self, record: Record, stored: bytes) -> None:
        is_open = self._open
        if record.given is not None:
            self.close_command()
            if record.given.id != record.command:
                raise CorruptRecord(record.position, "the command it came from is another one")
            is_open = self._open = _Open(record.command, record.stream, record.position, [])
        elif is_open is None or (is_open.command, is_open.stream) != (record.command, record.stream):
            raise CorruptRecord(record.position, "the command it came from is missing")
        is_open.parts.append(_content(stored, record.epoch))

    def close_command(self) -> None:
        """Say that the last command has no more records."""
        if self._open is not None:
            content = digest.content(self._open.stream.encode(), self._open.parts)
            known = Known(self._open.first, len(self._open.parts), content)
            self.told.append(Told(self._open.command, known))
            self._open = None


def _content(stored: bytes, epoch: int) -> bytes:
    """Return a record's part of its command's content: the references, and the body after the epoch."""
    head = header.unpack(stored)
    references = header.pack_references(list(head.references))
    return references + stored[head.body + content_offset(epoch) : -digest.SIZE]
