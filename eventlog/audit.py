"""Audit: read every byte that was ever recorded, and say where the first one is that lies.

Whoever can write the file can write a consistent other history; what an audit proves is that nothing
was damaged or changed in place. Publishing a stream's last digest elsewhere proves the rest.
"""

from collections.abc import Callable
from itertools import batched

from msgspec import Struct

from refold.eventlog.ledger import Ledger
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import CorruptRecord, LogUnreadable
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.reader import BATCH
from refold.eventlog.segment import Segment
from refold.eventlog.side_tables import compare_catalogue, compare_rows, miss_none


class Bad(Struct, frozen=True):
    """The first record that cannot be trusted, or at which what stands beside the log differs from it."""

    position: int
    reason: str


class AuditReport(Struct, frozen=True):
    """`records` counts those that were found good before the first bad one."""

    records: int
    bad: Bad | None = None


type Progress = Callable[[int], None]


def audit(log: LMDBLog | MemoryLog, *, progress: Progress = lambda _: None) -> AuditReport:
    """Check every record and all that is derived from them; `progress` hears how many were good so far.

    Damage to the pages of a file can end the process that reads it: `audit_path` is safe from that.
    """
    digest_at = log.digest_at if isinstance(log, MemoryLog) else log.reader.digest_at
    ledger = Ledger(log.id, digest_at)
    try:
        if isinstance(log, MemoryLog):
            for rows in batched(log.rows(), BATCH):
                for position, stored in rows:
                    ledger.enter(position, stored, log.payload)
                progress(ledger.end)
        else:
            number = 0
            while number < len(log.segments.all):
                _segment(log.segments.all[number], ledger, progress)
                number += 1
                log.segments.refresh()
    except CorruptRecord as error:
        return AuditReport(ledger.end, Bad(error.position, error.reason))
    except LogUnreadable as error:
        return AuditReport(ledger.end, Bad(ledger.end, str(error)))
    return AuditReport(ledger.end)


def _segment(segment: Segment, ledger: Ledger, progress: Progress) -> None:
    """Enter a segment's records, and compare its tables with what they come to."""
    if segment.base != ledger.end:
        raise CorruptRecord(ledger.end, f"{segment.folder.name} begins at position {segment.base}")
    commands = 0
    while True:
        batch = segment.log_batch(ledger.end, BATCH)
        if not batch:
            miss_none(segment, ledger.end)
            ledger.close_command()
        try:
            for position, stored in batch:
                ledger.enter(position, stored, segment.payload)
        finally:  # what was entered before a bad record may be worse placed than that one
            lines, told = ledger.lines, ledger.told
            ledger.lines, ledger.told = [], []
            compare_rows(segment, lines, told)
        commands += len(told)
        progress(ledger.end)
        if not batch and compare_catalogue(segment, ledger, commands):
            return
