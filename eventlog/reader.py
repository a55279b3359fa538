"""Reading across segments: many short looks, so that no reader ever holds the writer's pages back."""

from collections.abc import Iterator, Sequence

from refold.eventlog.codec import decode
from refold.eventlog.header import Reference, digest_of
from refold.eventlog.lineage import Fork, spans
from refold.eventlog.log import CorruptRecord
from refold.eventlog.reading import Chain
from refold.eventlog.record import Record
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
        chain = Chain()
        for segment, (position, stored) in self._stored(stream, first, last, BATCH):
            record = self.record(segment, position, stored, check=check)
            if check:
                chain.follow(position, stream, stored)
            yield record

    def _stored(
        self, stream: str, first: int, last: int | None, limit: int
    ) -> Iterator[tuple[Segment, Stored]]:
        for span in spans(stream, first, last, self._fork):
            name = self._segments.active.name(span.stream)
            if name is None:
                return
            version = span.first
            number = 0
            while number < len(self._segments.all):
                segment = self._segments.all[number]
                batch = segment.stream_batch(name.number, version, span.last, limit)
                for stored in batch:
                    yield segment, stored
                version += len(batch)
                if span.last is not None and version > span.last:
                    break
                if not batch:
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
        position = max(first, 0)
        while batch := self._log_batch(position, BATCH):
            for segment, (found, stored) in batch:
                if found != position:
                    raise CorruptRecord(position, "it is missing")
                yield self.record(segment, found, stored, check=check)
                position += 1

    def log_batch(self, first: int, limit: int) -> Sequence[Record]:
        position = max(first, 0)
        batch = self._log_batch(position, limit)
        return [self.record(segment, *stored, check=True) for segment, stored in batch]

    def _log_batch(self, first: int, limit: int) -> list[tuple[Segment, Stored]]:
        self._segments.refresh()
        segments = self._segments.all
        number = self._segments.containing(first).number
        batch: list[tuple[Segment, Stored]] = []
        while not batch and number < len(segments):
            segment = segments[number]
            batch = [(segment, stored) for stored in segment.log_batch(first, limit)]
            number += 1
        return batch

    def at(self, positions: Sequence[int]) -> tuple[Record, ...]:
        """Return the records at these positions."""
        found: list[Record] = []
        for position in positions:
            segment = self._segments.containing(position)
            stored = segment.stored(position)
            if stored is None:
                raise CorruptRecord(position, "it is missing")
            found.append(self.record(segment, position, stored, check=True))
        return tuple(found)

    def digest_at(self, stream: str, version: int) -> bytes | None:
        """Return the digest of a version of a stream, the parent's below a fork."""
        for _, (_, stored) in self._stored(stream, version, version, 1):
            return digest_of(stored)
        return None

    def sealed_digest(self, number: int, version: int) -> bytes | None:
        """Return the digest of a stream's own version in whichever sealed segment holds it."""
        for segment in self._segments.all[:-1]:
            for _, stored in segment.stream_batch(number, version, version, 1):
                return digest_of(stored)
        return None

    def record(self, segment: Segment, position: int, stored: bytes, *, check: bool) -> Record:
        def fetch(reference: Reference) -> bytes | None:
            return segment.payload(reference)

        return decode(stored, position, log=segment.log, fetch=fetch, check=check)
