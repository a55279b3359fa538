"""Durable appends: alone, many in flight, a hundred at once; beside a flat file, bare LMDB and the peers."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

from benchmarks import peers
from benchmarks.bare import BareLog, flat_file
from benchmarks.events import append
from benchmarks.figures import Figures
from benchmarks.payloads import payloads
from refold.eventlog.birth import folder_of
from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM, Append, Appended, LogError

KINDS = ("short", "real")
LONE, WARM, TURN = 500, 500, 50
FLIGHTS = ((10, 2000), (100, 5000), (1000, 20_000))
BATCH, BATCHES = 100, 50
SQLITE = ("eventsourcing", "eventsourcing's recorder")
PEERS = (*SQLITE, "openhands-sdk")
PEERS_EVENTS = 1000


class Flight:
    """Sessions that each append one event after the other, all of them at the same time."""

    def __init__(self, log: LMDBLog, sessions: Sequence[Sequence[Append]]) -> None:
        self.log = log
        self.failed: LogError | None = None
        self._sessions = [_Flying(self, appends) for appends in sessions]
        self._up = len(self._sessions)
        self._landed = Event()

    def fly(self) -> None:
        for session in self._sessions:
            session.go_on()
        self._landed.wait()
        if self.failed is not None:
            raise self.failed

    def landed(self) -> None:
        self._up -= 1  # by the committer's thread alone
        if not self._up:
            self._landed.set()


class _Flying:
    def __init__(self, flight: Flight, appends: Sequence[Append]) -> None:
        self._flight = flight
        self._append = flight.log.append
        self._left: Iterator[Append] = iter(appends)

    def go_on(self, outcome: Appended | LogError | None = None) -> None:
        if isinstance(outcome, LogError):
            self._flight.failed = outcome
        following = next(self._left, None)
        if following is None:
            self._flight.landed()
        else:
            self._append(following, on_committed=self.go_on)


def one_by_one(stream: str, texts: Sequence[str], expected: int = NO_STREAM) -> list[Append]:
    return [append(stream, version - 1, [text]) for version, text in enumerate(texts, expected + 1)]


def flights(log: LMDBLog, width: int, texts: Sequence[str]) -> Flight:
    """Return `width` sessions that share the texts among them, ready to go."""
    share = len(texts) // width
    return Flight(
        log,
        [
            one_by_one(f"flight-{width}-{number}-{log.end}", texts[number * share : (number + 1) * share])
            for number in range(width)
        ],
    )


def measure(folder: Path, figures: Figures, rounds: int) -> None:
    for number in range(rounds):
        for kind in KINDS:
            place = folder / f"appends-{number}-{kind}"
            place.mkdir()
            _ours(place, figures, kind)
            for name in PEERS:
                peers.appends(figures, name, place, kind, PEERS_EVENTS)
            for name in SQLITE:
                peers.appends(figures, name, place, kind, BATCH * BATCHES, batch=BATCH)
            shutil.rmtree(place)


def _ours(place: Path, figures: Figures, kind: str) -> None:
    texts = payloads(kind, max(count for _, count in FLIGHTS))
    with figures.rate(f"fdatasync of a flat file, {kind}", LONE):
        flat_file(place / "flat", [text.encode() for text in texts[:LONE]])
    _lone(place, figures, kind, texts)
    with LMDBLog.open(place / "log") as log:
        log.commit(append("first", NO_STREAM, texts[:1]))
        for width, count in FLIGHTS:
            flight = flights(log, width, texts[:count])
            with figures.rate(f"Refold, {width:,} in flight, {kind}", count):
                flight.fly()
        batches = [
            append("batch", first - 1, texts[first : first + BATCH])
            for first in range(0, BATCH * BATCHES, BATCH)
        ]
        with figures.rate(f"Refold, {BATCH} at once, {kind}", BATCH * BATCHES):
            for batch in batches:
                log.commit(batch)


def _lone(place: Path, figures: Figures, kind: str, texts: Sequence[str]) -> None:
    """Append alone, and commit the same bytes bare: in short turns, each going on from a copy of one file."""
    with LMDBLog.open(place / "warm") as log:
        for one in one_by_one("s", texts[:WARM]):
            log.commit(one)
    for name in ("flying", "waiting", "bare"):
        shutil.copytree(place / "warm", place / name)
    following = one_by_one("s", texts[:LONE], WARM - 1)
    with LMDBLog.open(place / "warm") as log:
        for one in following:
            log.commit(one)
    with BareLog(folder_of(place / "warm", 0)) as written:
        rows = written.rows_of(0, WARM, LONE)
    with (
        LMDBLog.open(place / "flying") as flying,
        LMDBLog.open(place / "waiting") as waiting,
        BareLog(folder_of(place / "bare", 0)) as bare,
    ):
        for first in range(0, LONE, TURN):
            turn = slice(first, first + TURN)
            with figures.rate(f"bare LMDB, {kind}", TURN):
                for row in rows[turn]:
                    bare.commit(row)
            with figures.rate(f"Refold, 1 in flight, {kind}", TURN):
                Flight(flying, [following[turn]]).fly()
            with figures.rate(f"Refold, a caller that waits, {kind}", TURN):
                for one in following[turn]:
                    waiting.commit(one)
