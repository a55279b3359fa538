"""Many seeds of one scenario, on one process or several: what they found, and how fast."""

import contextlib
import gc
import itertools
import multiprocessing
import queue
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from refold.testing.patience import RUN_S, patient
from refold.testing.simulation import Scenario, simulate

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess
    from multiprocessing.queues import Queue

CHUNK = 50
"""Seeds that a worker takes at a time; after each chunk it says how it went."""
DIGEST_BITS = 128
ORPHANED_S = 5.0
"""How soon a worker notices that the one who asked is gone."""
GARBAGE = 50_000
"""Objects between two looks for garbage."""
KEPT_MAX = 20
"""Failures whose seeds are kept; beyond that they are only counted."""

type Load = Callable[[str], Scenario]
"""Finds a scenario by its name, in whichever process asks."""


class Chunk(Struct, frozen=True):
    """What came of some seeds. `digest` adds up: it does not matter who ran them, or in which order."""

    first: int
    seeds: int
    steps: int
    deaths: int
    digest: int
    failed: tuple[int, ...] = ()
    seen: frozenset[str] = frozenset()


class Swept(Struct, frozen=True, kw_only=True):
    """What came of all seeds so far; `seconds` is wall time."""

    seeds: int = 0
    steps: int = 0
    deaths: int = 0
    failures: int = 0
    failed: tuple[int, ...] = ()
    seen: frozenset[str] = frozenset()
    digest: int = 0
    seconds: float = 0.0

    def plus(self, chunk: Chunk, seconds: float) -> "Swept":
        return Swept(
            seeds=self.seeds + chunk.seeds,
            steps=self.steps + chunk.steps,
            deaths=self.deaths + chunk.deaths,
            failures=self.failures + len(chunk.failed),
            failed=tuple(sorted((*self.failed, *chunk.failed)))[:KEPT_MAX],
            seen=self.seen | chunk.seen,
            digest=(self.digest + chunk.digest) % (1 << DIGEST_BITS),
            seconds=seconds,
        )

    @property
    def fingerprint(self) -> str:
        """The digest as text: 32 hex digits, the same for the same seeds."""
        return f"{self.digest:032x}"


class WorkerLost(RuntimeError):
    """A worker ended in the middle of its seeds: code that it ran ended the process."""

    def __init__(self, how: str, under_way: Mapping[int, int]) -> None:
        seeds = ", ".join(f"{first} to {first + count - 1}" for first, count in sorted(under_way.items()))
        super().__init__(f"a worker {how}; seeds {seeds} were under way")


def run_chunk(scenario: Scenario, first: int, seeds: int, *, run_s: float = RUN_S) -> Chunk:
    """Simulate some seeds in a row, here; a run that takes more than `run_s` seconds has failed."""
    steps = deaths = digest = 0
    failed: list[int] = []
    seen: set[str] = set()
    with patient(run_s) as begin:
        for seed in range(first, first + seeds):
            begin()
            simulated = simulate(scenario, seed=seed)
            steps += simulated.steps
            deaths += simulated.deaths
            digest += int(simulated.digest, 16)
            seen.update(simulated.seen)
            if simulated.failure is not None:
                failed.append(seed)
    return Chunk(first, seeds, steps, deaths, digest % (1 << DIGEST_BITS), tuple(failed), frozenset(seen))


def sweep(  # noqa: PLR0913 - options, all of them named
    name: str,
    load: Load,
    *,
    first: int = 0,
    seeds: int | None = None,
    seconds: float | None = None,
    workers: int = 1,
    run_s: float = RUN_S,
) -> Iterator[Swept]:
    """Run seeds from `first` on, so many or for so long, and yield how far it is after every chunk.

    At least one of `seeds` and `seconds` is given. A run that takes more than `run_s` seconds has failed.
    Closing the iterator ends the workers. There are no more of them than chunks; one alone is this process.
    Raises `WorkerLost`.
    """
    workers = workers if seeds is None else min(workers, -(-seeds // CHUNK))
    began, swept = time.monotonic(), Swept()
    chunks = _chunks(first, seeds, None if seconds is None else began + seconds)
    found = (
        _here(load(name), chunks, run_s) if workers == 1 else _elsewhere(name, load, chunks, workers, run_s)
    )
    try:
        for chunk in found:
            swept = swept.plus(chunk, time.monotonic() - began)
            yield swept
    finally:
        found.close()


def _chunks(first: int, seeds: int | None, until: float | None) -> Iterator[tuple[int, int]]:
    """Yield which seeds to run next, until there are enough or time is up."""
    last = None if seeds is None else first + seeds
    while (last is None or first < last) and (until is None or time.monotonic() < until):
        count = CHUNK if last is None else min(CHUNK, last - first)
        yield first, count
        first += count


def _here(scenario: Scenario, chunks: Iterator[tuple[int, int]], run_s: float) -> Generator[Chunk]:
    with rarely_collecting():
        for first, count in chunks:
            yield run_chunk(scenario, first, count, run_s=run_s)


@contextlib.contextmanager
def rarely_collecting() -> Generator[None]:
    """Look for circular garbage rarely: a run leaves little of it, and looking takes a tenth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _elsewhere(
    name: str, load: Load, chunks: Iterator[tuple[int, int]], workers: int, run_s: float
) -> Generator[Chunk]:
    """Hand chunks to other processes, one ahead of what each has done."""
    context = multiprocessing.get_context("spawn")
    asked: Queue[tuple[int, int]] = context.Queue()
    done: Queue[Chunk | str] = context.Queue()
    processes = [
        context.Process(target=_work, args=(name, load, asked, done, run_s), daemon=True)
        for _ in range(workers)
    ]
    for process in processes:
        process.start()
    under_way: dict[int, int] = {}
    try:
        for first, count in itertools.islice(chunks, 2 * workers):
            under_way[first] = count
            asked.put((first, count))
        while under_way:
            chunk = _next(done, processes, under_way)
            del under_way[chunk.first]
            for first, count in itertools.islice(chunks, 1):
                under_way[first] = count
                asked.put((first, count))
            yield chunk
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _next(
    done: "Queue[Chunk | str]", processes: "Sequence[SpawnProcess]", under_way: Mapping[int, int]
) -> Chunk:
    while True:
        try:
            found = done.get(timeout=1.0)
        except queue.Empty:
            for process in processes:
                if not process.is_alive():
                    raise WorkerLost(f"ended with code {process.exitcode}", under_way) from None
        else:
            if isinstance(found, Chunk):
                return found
            raise WorkerLost(f"failed: {found}", under_way)


def _work(
    name: str, load: Load, asked: "Queue[tuple[int, int]]", done: "Queue[Chunk | str]", run_s: float
) -> None:
    try:
        scenario, boss = load(name), multiprocessing.parent_process()
        with rarely_collecting():
            while boss is None or boss.is_alive():
                with contextlib.suppress(queue.Empty):
                    done.put(run_chunk(scenario, *asked.get(timeout=ORPHANED_S), run_s=run_s))
    except KeyboardInterrupt:
        pass
    except Exception as error:  # noqa: BLE001 - the one who waits must hear of it
        done.put(f"{type(error).__name__}: {error}")
