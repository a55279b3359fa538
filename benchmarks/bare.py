"""The least that anybody could do: bare loops over the same bytes, without a rule or a check."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from refold.eventlog.environment import NAMES, open_raw
from refold.eventlog.header import unpack

type Row = tuple[bytes, bytes, bytes]
"""Table, key, value."""


class BareLog:
    """A log's file without the log: whoever has the rows can write them, as fast as LMDB commits."""

    def __init__(self, segment: Path) -> None:
        self._environment = open_raw(segment, readonly=False)
        self._tables = {name: self._environment.open_db(name, create=False) for name in NAMES}

    def commit(self, rows: Sequence[Row]) -> None:
        with self._environment.begin(write=True) as transaction:
            for table, key, value in rows:
                transaction.put(key, value, db=self._tables[table], append=table == b"log")

    def rows_of(self, stream: int, first: int, count: int) -> list[list[Row]]:
        """Return what each of these events was written as; every one has a command of its own."""
        with self._environment.begin() as look:
            commands: dict[bytes, tuple[bytes, bytes]] = {}
            for key, value in look.cursor(self._tables[b"commands"]):
                commands[value[:8]] = (key, value)
            head_key = stream.to_bytes(8)
            head = look.get(head_key, b"", db=self._tables[b"heads"])
            found: list[list[Row]] = []
            for version in range(first, first + count):
                place = head_key + version.to_bytes(8)
                position = look.get(place, b"", db=self._tables[b"streams"])
                stored = look.get(position, b"", db=self._tables[b"log"])
                rows: list[Row] = [
                    (b"log", position, stored),
                    (b"streams", place, position),
                    (b"commands", *commands[position]),
                    (b"heads", head_key, head),
                ]
                for reference in unpack(stored).references:
                    text = look.get(reference.sha256, b"", db=self._tables[b"payloads"])
                    rows.append((b"payloads", reference.sha256, text))
                found.append(rows)
            return found

    def close(self) -> None:
        self._environment.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def flat_file(path: Path, bodies: Sequence[bytes]) -> None:
    """Append to a file and sync it every time."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for body in bodies:
            os.write(file, body)
            os.fdatasync(file)
    finally:
        os.close(file)
