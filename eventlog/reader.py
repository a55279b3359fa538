"""Reading across segments: many short looks, so that no reader ever holds the writer's pages back."""

from collections.abc import Iterator, Sequence

from refold.eventlog.header import PREVIOUS, digest_of
from refold.eventlog.lineage import Fork, spans
from refold.eventlog.log import CorruptRecord
from refold.eventlog.record import Record
from refold.eventlog.rows import Rows
from refold.eventlog.segment import Segment, Stored
from refold.eventlog.segments import Segments
from refold.eventlog.tables import Name

BATCH = 256


class Reader:
    """Yields records in order from wherever they are kept."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments

    def name(self, stream: str) -> Name | None:
        return self._segments.refresh().name(stream)

    def _fork(self, stream: str) -> Fork | None:
        name = self._segments.active.name(stream)
        return None if name is None else name.fork

    def stream(self, stream: str, first: int, last: int | None, *, check: bool) -> Iterator[Record]:
        """Yield versions `first` to `last` of a stream that exists."""
        record = Rows(self._segments.log, check=check).record
        version = max(first, 0)
        previous: bytes | None = None
        for segment, name, batch in self._batches(stream, first, last):
            fetch = segment.payload
            for position, stored in batch:
                found = record(stored, position, fetch)
                if found.version != version or found.stream != name:
                    raise CorruptRecord(position, f"version {version} of stream {name!r} should be here")
                if check and previous is not None and stored[PREVIOUS] != previous:
                    raise CorruptRecord(position, "it does not continue the record before it in its stream")
                previous = found.digest
                version += 1
                yield found

    def _batches(
        self, stream: str, first: int, last: int | None
    ) -> Iterator[tuple[Segment, str, list[Stored]]]:
        """Yield the rows of a stream, each batch with its segment and the stream that it is kept under."""
        for span in spans(stream, first, last, self._fork):
            name = self._segments.active.name(span.stream)
            if name is None:
                return
            version = span.first
            number = 0
            while number < len(self._segments.all) and (span.last is None or version <= span.last):
                segment = self._segments.all[number]
                limit = BATCH if span.last is None else min(BATCH, span.last - version + 1)
                batch = segment.stream_batch(name.number, version, span.last, limit)
                if batch:
                    yield segment, span.stream, batch
                    version += len(batch)
                else:
                    number += 1
                    if number == len(self._segments.all):
                        self._segments.refresh()

    def stream_batch(self, stream: str, first: int, limit: int) -> Sequence[Record]:
        """Return the next few records of a stream that may not exist yet."""
        if self.name(stream) is None:
            return ()
        last = max(first, 0) + limit - 1
        return list(self.stream(stream, first, last, check=True))

    def log(self, first: int, *, check: bool) -> Iterator[Record]:
        """Yield all records from a position on."""
        record = Rows(self._segments.log, check=check).record
        position = max(first, 0)
        while True:
            segment, batch = self._log_batch(position, BATCH)
            if not batch:
                return
            fetch = segment.payload
            for found, stored in batch:
                if found != position:
                    raise CorruptRecord(position, "it is missing")
                yield record(stored, found, fetch)
                position += 1

    def log_batch(self, first: int, limit: int) -> Sequence[Record]:
        """Return the next few records of the log."""
        position = max(first, 0)
        segment, batch = self._log_batch(position, limit)
        record = Rows(self._segments.log, check=True).record
        if any(found != position + number for number, (found, _) in enumerate(batch)):
            raise CorruptRecord(position, "one of the next is missing")
        return [record(stored, found, segment.payload) for found, stored in batch]

    def _log_batch(self, first: int, limit: int) -> tuple[Segment, list[Stored]]:
        self._segments.refresh()
        segments = self._segments.all
        segment = self._segments.containing(first)
        batch = segment.log_batch(first, limit)
        while not batch and segment.number + 1 < len(segments):
            segment = segments[segment.number + 1]
            batch = segment.log_batch(first, limit)
        return segment, batch

    def at(self, positions: Sequence[int]) -> tuple[Record, ...]:
        """Return the records at these positions."""
        record = Rows(self._segments.log, check=True).record
        found: list[Record] = []
        for position in positions:
            segment = self._segments.containing(position)
            stored = segment.stored(position)
            if stored is None:
                raise CorruptRecord(position, "it is missing")
            found.append(record(stored, position, segment.payload))
        return tuple(found)

    def digest_at(self, stream: str, version: int) -> bytes | None:
        """Return the digest of a version of a stream, the parent's below a fork."""
        for _, _, batch in self._batches(stream, version, version):
            return digest_of(batch[0][1])
        return None

    def sealed_digest(self, number: int, version: int) -> bytes | None:
        """Return the digest of a stream's own version in whichever sealed segment holds it."""
        for segment in self._segments.all[:-1]:
            for _, stored in segment.stream_batch(number, version, version, 1):
                return digest_of(stored)
        return None
