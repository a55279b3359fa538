"""What does not grow: the cost of an append with the log, the cost of an event with its session."""

from pathlib import Path

from benchmarks.appends import Flight, flights, one_by_one
from benchmarks.events import append
from benchmarks.figures import Figures
from benchmarks.payloads import payloads
from benchmarks.rebuild import write
from refold.eventlog.lmdb_log import LMDBLog

GROWN = 200_000
LENGTHS = (10_000, 20_000, 40_000)
IN_FLIGHT, COUNT, LONE = 100, 5000, 300


def measure(folder: Path, figures: Figures, rounds: int) -> None:
    _appends(folder, figures, rounds)
    texts = payloads("real", max(LENGTHS))
    with LMDBLog.open(folder / "lengths") as log:
        for length in LENGTHS:
            write(log, f"s{length}", texts[:length])
        for _ in range(rounds):
            for length in LENGTHS:
                with figures.rate(f"rebuild of {length:,} events", length):
                    read = sum(1 for _ in log.read(f"s{length}"))
                if read != length:
                    raise AssertionError(read)


def _appends(folder: Path, figures: Figures, rounds: int) -> None:
    texts = payloads("short", COUNT)
    with LMDBLog.open(folder / "grown") as grown:
        for first in range(0, GROWN, 1000):
            grown.commit(append("long", first - 1, texts[:1000]))
        for number in range(rounds):
            with LMDBLog.open(folder / f"new-{number}") as new:
                new.commit(append("first", -1, texts[:1]))
                for name, log, stream in (("0", new, "lone"), (f"{GROWN:,}", grown, "long")):
                    head = log.head(stream)
                    lone = one_by_one(stream, texts[:LONE], -1 if head is None else head.version)
                    alone, together = Flight(log, [lone]), flights(log, IN_FLIGHT, texts)
                    with figures.rate(f"appends after {name} events, 1 in flight", LONE):
                        alone.fly()
                    with figures.rate(f"appends after {name} events, {IN_FLIGHT} in flight", COUNT):
                        together.fly()
