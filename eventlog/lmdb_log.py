"""The log on disk: LMDB segments, group commit, and as many readers as there are."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from os import urandom
from pathlib import Path
from typing import Self

from refold.eventlog.bell import Bell
from refold.eventlog.birth import bring_forth, folder_of
from refold.eventlog.committer import Committer
from refold.eventlog.environment import MAP_BYTES
from refold.eventlog.log import (
    Append,
    Appended,
    Head,
    LogError,
    LogUnreadable,
    OnCommitted,
    StreamUnknown,
    Subscription,
)
from refold.eventlog.prepared import prepare
from refold.eventlog.reader import Reader
from refold.eventlog.record import Record
from refold.eventlog.segments import Segments
from refold.eventlog.subscription import CatchUpSubscription
from refold.eventlog.waiting import Waiting
from refold.eventlog.writer import Writer

SEGMENT_BYTES = 8 << 30
POLL_S = 0.025
"""How often a subscription looks for commits of other processes."""
SWITCH_S = 0.0005
"""A busy thread gives way after this; at Python's default a lone append beside one is seven times slower."""


class LMDBLog:
    """See `EventLog`. Open it with `LMDBLog.open`; several processes may have it open, for writing too."""

    poll_s: float | None = POLL_S

    def __init__(self, segments: Segments, *, readonly: bool, segment_bytes: int) -> None:
        self.segments = segments
        self.reader = Reader(segments)
        self._readonly = readonly
        self.bell = Bell()
        writer = Writer(segments, self.reader, segment_bytes=segment_bytes)
        self.committer = Committer(writer, committed=self.bell.ring)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        readonly: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        map_bytes: int = MAP_BYTES,
        log_id: bytes | None = None,
    ) -> "LMDBLog":
        """Open the log at `path`, creating it unless `readonly`; raise `LogUnreadable`, `DiskFull`.

        `log_id` names a log that is created here (random by default) and is demanded of one that exists.
        `map_bytes` is what the map begins with; it grows by itself.
        """
        home = Path(path)
        if not readonly:
            _create(home, log_id)
            sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
        segments = Segments(home, readonly=readonly, map_bytes=map_bytes)
        if log_id is not None and segments.log != log_id:
            found = segments.log.hex()
            segments.close()
            raise LogUnreadable(f"{home} holds the log {found}, not {log_id.hex()}")
        return cls(segments, readonly=readonly, segment_bytes=segment_bytes)

    @property
    def id(self) -> bytes:
        return self.segments.active.log

    @property
    def end(self) -> int:
        return self.segments.refresh().end()

    @property
    def closed(self) -> bool:
        return self.segments.closed

    def append(self, *appends: Append, on_committed: OnCommitted) -> None:
        if self._readonly:
            raise LogError("the log was opened for reading only")
        self.committer.hand_in([prepare(append) for append in appends], on_committed)

    def commit(self, *appends: Append, timeout_s: float = 60.0) -> Appended:
        waiting = Waiting()
        self.append(*appends, on_committed=waiting.tell)
        return waiting.outcome(timeout_s)

    def read(
        self, stream: str, *, after: int = -1, until: int | None = None, check: bool = True
    ) -> Iterator[Record]:
        if self.reader.name(stream) is None:
            raise StreamUnknown(f"no stream {stream!r}")
        return self.reader.stream(stream, after + 1, until, check=check)

    def read_all(self, *, after: int = -1, check: bool = True) -> Iterator[Record]:
        return self.reader.log(after + 1, check=check)

    def head(self, stream: str) -> Head | None:
        active = self.segments.refresh()
        name = active.name(stream)
        return None if name is None else active.head(name.number)

    def streams(self) -> Sequence[str]:
        names = self.segments.refresh().names()
        return sorted(names, key=lambda stream: names[stream].number)

    def find(self, command: str) -> Appended | None:
        active = self.segments.refresh()
        known = active.command(command)
        if known is None and (before := self.segments.before) is not None:
            known = before.command(command)
        if known is None:
            return None
        return Appended(self.reader.at(range(known.first, known.first + known.count)), again=True)

    def agenda(self) -> Mapping[str, bytes]:
        return self.segments.refresh().agenda()

    def subscribe(self, *, after: int = -1, stream: str | None = None) -> Subscription:
        return CatchUpSubscription(self, after=after, stream=stream)

    def stamp(self) -> object:
        active = self.segments.refresh()
        return active.number, active.environment.transaction

    def batch(self, stream: str | None, after: int, limit: int) -> Sequence[Record]:
        """Return the next records of a subscription."""
        if stream is None:
            return self.reader.log_batch(after + 1, limit)
        return self.reader.stream_batch(stream, after + 1, limit)

    def close(self) -> None:
        self.committer.close()
        self.segments.close()
        self.bell.ring()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _create(home: Path, log_id: bytes | None) -> None:
    if folder_of(home, 0).is_dir():
        return
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LogUnreadable(f"{home}: {error.strerror}") from error
    bring_forth(home, 0, log=log_id or urandom(16), base=0, catalogue={})
