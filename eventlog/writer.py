"""One transaction for everything that waits: let in what may be, refuse the rest, sync once."""

from collections.abc import Sequence

import lmdb

from refold.eventlog.admission import Admitted, Repeated, admit
from refold.eventlog.log import Appended, DiskFull, LogError
from refold.eventlog.prepared import Prepared
from refold.eventlog.reader import Reader
from refold.eventlog.round import Round, Tips
from refold.eventlog.segment import Segment
from refold.eventlog.segments import Segments
from refold.eventlog.trouble import is_full

TRIES = 3
"""Commits that fail for no known reason are tried this often before their appends are refused."""
BYTES_MAX = 32 << 20
"""What one transaction takes at most (and one append beyond it), so that nobody waits without end."""
READERS_EVERY = 1000
"""Commits between two looks for readers that died."""

type Request = Sequence[Prepared]
type Outcome = Appended | LogError


class Writer:
    """Commits requests; what it returns is durable, or refused with nothing of it written."""

    def __init__(self, segments: Segments, reader: Reader, *, segment_bytes: int) -> None:
        self._segments = segments
        self._reader = reader
        self._segment_bytes = segment_bytes
        self._commits = 0
        self._tips = Tips()
        self._measured: Segment | None = None
        self._unmeasured = 0

    def commit(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return each request's outcome, in order."""
        tries = 0
        doubtful: set[int] = set()
        full = False
        while True:
            segment = self._segments.active
            seen = segment.environment.map_bytes
            try:
                outcomes = self._round(requests, segment, doubtful, full=full)
            except lmdb.MapFullError:
                segment.environment.grow(seen)
            except lmdb.Error as error:
                segment.environment.reopen()
                tries += 1
                full = full or is_full(error, segment.folder)
                if tries >= (2 * TRIES if full else TRIES):
                    return [LogError(f"{segment.folder}: {error}")] * len(requests)
            except DiskFull:
                full = True
            else:
                if outcomes is None:
                    self._segments.refresh()
                    continue
                self._commits += 1
                if self._commits % READERS_EVERY == 0:
                    segment.environment.check_readers()
                return outcomes

    def _round(
        self, requests: Sequence[Request], segment: Segment, doubtful: set[int], *, full: bool
    ) -> list[Outcome] | None:
        """Try one transaction; None when the active segment was, or now is, sealed.

        `doubtful` are the requests whose commit may have failed: found recorded, they are ours.
        """
        with segment.environment.write() as transaction:
            if self._segments.succeeded():
                return None
            tables = Round(transaction, segment, self._segments.before, self._reader, self._tips)
            sealing = tables.end > segment.base and self._is_done(segment)
            outcomes: list[Outcome] = []
            fresh: set[int] = set()
            for number, request in enumerate(requests):
                try:
                    admitted = admit(request, tables, segment.log)
                    if sealing and not full and not isinstance(admitted, Repeated):
                        break
                    outcome = self._let_in(admitted, tables, segment, full=full)
                except LogError as error:
                    outcomes.append(error)
                    continue
                if not outcome.again:
                    fresh.add(number)
                elif number in doubtful:
                    outcome = Appended(outcome.records)
                outcomes.append(outcome)
            else:
                if tables.written:
                    doubtful |= fresh
                    tables.commit()
                return outcomes
            self._segments.rotate(transaction, tables.end)
            return None

    def _is_done(self, segment: Segment) -> bool:
        """Tell whether the file is as large as a segment gets; far from it, only now and then by looking."""
        if segment is self._measured and self._unmeasured > 0:
            self._unmeasured -= 1
            return False
        left = self._segment_bytes - segment.environment.file_bytes
        self._measured, self._unmeasured = segment, left // (4 * BYTES_MAX)
        return left <= 0

    @staticmethod
    def _let_in(
        admitted: tuple[Admitted, ...] | Repeated, tables: Round, segment: Segment, *, full: bool
    ) -> Appended:
        if isinstance(admitted, Repeated):
            return Appended(tables.recorded(admitted.positions), again=True)
        if full:
            raise DiskFull(f"{segment.folder}: no room left; nothing of this was recorded")
        for one in admitted:
            tables.keep(one)
        if len(admitted) == 1:
            return Appended(admitted[0].records)
        return Appended(tuple([record for one in admitted for record in one.records]))
