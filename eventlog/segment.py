"""One self-contained file of the log.

`log`: position -> stored record. `streams`: stream number + version -> position. `commands`: id -> where its
records are. `payloads`: SHA-256 -> text. The catalogue, `names`, `heads` and `agenda`, is carried along from
segment to segment. `meta`: format, log id, number, and the position at which the segment begins.
"""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from struct import unpack
from typing import TYPE_CHECKING

from refold.eventlog.admission import Known
from refold.eventlog.environment import MAP_BYTES, acquire, release
from refold.eventlog.header import FORMAT, Reference
from refold.eventlog.log import Head, LogUnreadable
from refold.eventlog.tables import NUMBER, PLACE, Name, unpack_head, unpack_known, unpack_name

if TYPE_CHECKING:
    import lmdb

BATCH_BYTES = 4 << 20
"""A look at the file ends after this much, however many records were asked for."""

CHUNK = 64
"""Rows that are fetched before their bytes are counted."""

type Stored = tuple[int, bytes]


class Segment:
    """Short looks at one segment; each returns what it found and holds nothing."""

    def __init__(self, folder: Path, *, readonly: bool, map_bytes: int = MAP_BYTES) -> None:
        self.folder = folder
        self.environment = acquire(folder, readonly=readonly, map_bytes=map_bytes)
        try:
            self.log, self.number, self.base = self._origin()
        except BaseException:
            release(self.environment)
            raise

    def _origin(self) -> tuple[bytes, int, int]:
        """Return the log's id, the segment's number, and the position at which it begins."""
        with self.environment.read() as look:
            meta = self.environment.dbs.meta
            form, log, number, base = (
                look.get(key, b"", db=meta) for key in (b"format", b"log", b"number", b"base")
            )
        if form != str(FORMAT).encode():
            found = form.decode(errors="replace")
            raise LogUnreadable(f"{self.folder}: format {found!r}, this version reads {FORMAT}")
        if not (number.isdigit() and base.isdigit()):
            raise LogUnreadable(f"{self.folder} is damaged: it does not say where it begins")
        return log, int(number), int(base)

    def close(self) -> None:
        release(self.environment)

    def end(self) -> int:
        """Return the position that the next record of this segment gets."""
        with self.environment.read() as look:
            return self.end_in(look)

    def end_in(self, transaction: "lmdb.Transaction[bytes]") -> int:
        with transaction.cursor(self.environment.dbs.log) as cursor:
            return NUMBER.unpack(cursor.key())[0] + 1 if cursor.last() else self.base

    def name(self, stream: str) -> Name | None:
        with self.environment.read() as look:
            found = look.get(stream.encode(), db=self.environment.dbs.names)
        return None if found is None else unpack_name(found)

    def head(self, number: int) -> Head | None:
        with self.environment.read() as look:
            found = look.get(NUMBER.pack(number), db=self.environment.dbs.heads)
        return None if found is None else unpack_head(found)

    def command(self, name: str) -> Known | None:
        with self.environment.read() as look:
            found = look.get(name.encode(), db=self.environment.dbs.commands)
        return None if found is None else unpack_known(found)

    def payload(self, reference: Reference) -> bytes | None:
        with self.environment.read() as look:
            return look.get(reference.sha256, db=self.environment.dbs.payloads)

    def names(self) -> Mapping[str, Name]:
        with self.environment.read() as look, look.cursor(self.environment.dbs.names) as cursor:
            return {key.decode(): unpack_name(value) for key, value in cursor}

    def agenda(self) -> Mapping[str, bytes]:
        with self.environment.read() as look, look.cursor(self.environment.dbs.agenda) as cursor:
            return {key.decode(): value for key, value in cursor}

    def stored(self, position: int) -> bytes | None:
        with self.environment.read() as look:
            return look.get(NUMBER.pack(position), db=self.environment.dbs.log)

    def position(self, number: int, version: int) -> int | None:
        with self.environment.read() as look:
            found = look.get(PLACE.pack(number, version), db=self.environment.dbs.streams)
        return None if found is None else NUMBER.unpack(found)[0]

    def log_batch(self, first: int, limit: int) -> list[Stored]:
        """Return rows by position, from `first` on."""
        batch: list[Stored] = []
        room = BATCH_BYTES
        with self.environment.read() as look, look.cursor(self.environment.dbs.log) as cursor:
            if not cursor.set_range(NUMBER.pack(first)):
                return batch
            following = cursor.iternext()
            while room > 0 and len(batch) < limit:
                chunk = list(islice(following, min(CHUNK, limit - len(batch))))
                if not chunk:
                    break
                room -= _add(batch, chunk)
        return batch

    def stream_batch(self, number: int, first: int, last: int | None, limit: int) -> list[Stored]:
        """Return rows of one stream by version, from `first` to `last`; b"" for one that is missing."""
        batch: list[Stored] = []
        room = BATCH_BYTES
        dbs = self.environment.dbs
        end = PLACE.pack(number, (1 << 63) if last is None else last)
        with (
            self.environment.read() as look,
            look.cursor(dbs.streams) as cursor,
            look.cursor(dbs.log) as log,
        ):
            if not cursor.set_range(PLACE.pack(number, first)):
                return batch
            following = cursor.iternext()
            while room > 0 and len(batch) < limit:
                lines = list(islice(following, min(CHUNK, limit - len(batch))))
                keys = [position for place, position in lines if place <= end]
                found = log.getmulti(keys)
                if len(found) != len(keys):
                    found = [(key, look.get(key, b"", db=dbs.log)) for key in keys]
                room -= _add(batch, found)
                if len(keys) < CHUNK:
                    break
        return batch


def _add(batch: list[Stored], chunk: list[tuple[bytes, bytes]]) -> int:
    """Add rows of the log to a batch; return their bytes."""
    positions: tuple[int, ...] = unpack(f">{len(chunk)}Q", b"".join([key for key, _ in chunk]))
    values = [stored for _, stored in chunk]
    batch.extend(zip(positions, values, strict=True))
    return sum(map(len, values))
