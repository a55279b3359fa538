"""`refold simulate`: sessions by the thousand, each with its own schedule and faults, held to every law."""

import contextlib
import math
import os
import re
import signal
import sys
import time
from collections.abc import Generator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, NoReturn, Self

import msgspec
import typer
from msgspec.structs import replace

from refold.cli.options import HomeOption, JsonOption
from refold.cli.output import put, put_text, say
from refold.errors import WrongUsage
from refold.home import Home
from refold.identity import code_version
from refold.testing.patience import EVERY_RUN_ENDS, RUN_S, patient
from refold.testing.scenarios import IN_A_FILE, SCENARIOS, ScenarioUnknown, load
from refold.testing.shrink import shrink
from refold.testing.simulation import Scenario, Simulated
from refold.testing.simulation import simulate as run_one
from refold.testing.sweep import Swept, WorkerLost, sweep

SEEDS = 1000
SHRUNK_MAX = 5
"""Failures that are shrunk and saved; the rest are only named."""
FEW = 30
"""From so few runs nothing is concluded."""
PROGRESS_S = 1.0
REPEATABLE = (
    "what a scenario does may depend on nothing but its seed. An agent that remembers something is made anew "
    "for each run (`agent`), so is its world (`answers`), and neither draws chance nor looks at a clock"
)
_UNFIT = re.compile(r"[^\w.-]")
"""What is not put into the name of a file."""

WORKERS_MAX = 1024
ENDINGS = (signal.SIGINT, signal.SIGTERM)


class SavedFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as it is saved: `trace` holds the decisions that differ from the plain course, by number."""

    scenario: str
    seed: int
    trace: dict[int, int]
    failure: str
    code: str = ""
    """That of the Refold which found it."""


def simulate(
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            metavar="NAME",
            help=f"{', '.join(SCENARIOS)}; or your own as MODULE:NAME or FILE.py:NAME.",
        ),
    ] = "standard",
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", min=1, help=f"How many ({SEEDS}, or as --minutes allows)."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", metavar="M", help="Stop after so long; a chunk is finished.")
    ] = None,
    first_seed: Annotated[
        int, typer.Option("--first-seed", metavar="N", min=0, help="The first seed; the others follow it.")
    ] = 0,
    workers: Annotated[
        int | None,
        typer.Option("--workers", metavar="N", min=1, max=WORKERS_MAX, help="Processes (one for each core)."),
    ] = None,
    disk: Annotated[
        str,
        typer.Option(
            "--disk",
            metavar="memory|lmdb",
            help="Where each run keeps its log: in memory, or in a file of LMDB that outlives its processes.",
        ),
    ] = "memory",
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="S", help="Give a run up after so long: code of yours may hang."),
    ] = RUN_S,
    replay: Annotated[
        Path | None,
        typer.Option("--replay", metavar="FILE", help="Run a saved failure again and tell its story."),
    ] = None,
    failures: Annotated[
        Path | None, typer.Option("--failures", metavar="DIR", help="Where failures are saved (in the home).")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    if not 0 < timeout < math.inf:
        raise WrongUsage(f"--timeout {timeout:g} was asked for; it must be a number of seconds above 0")
    if replay is not None:
        return _again(replay, timeout, json=json)
    if minutes is not None and not minutes > 0:
        raise WrongUsage(f"--minutes {minutes:g} is no time at all")
    scenario = _named(scenario, disk)
    chosen = _load(scenario)
    if scenario.removesuffix(IN_A_FILE) not in SCENARIOS:
        _repeat(chosen, first_seed, timeout)
    count = SEEDS if seeds is None and minutes is None else seeds
    seconds = None if minutes is None else minutes * 60
    processes = workers or (os.cpu_count() or 1)
    place = failures or Home(home).path / "failures"
    swept, lost = Swept(), None
    with _ending() as ended:
        with _Progress(count, quiet=json) as progress:
            found = sweep(
                scenario,
                load,
                first=first_seed,
                seeds=count,
                seconds=seconds,
                workers=processes,
                run_s=timeout,
            )
            try:
                for swept in found:
                    progress.show(swept)
            except WorkerLost as error:
                lost = error
        for seed in swept.failed[:SHRUNK_MAX]:
            if not _report(chosen, scenario, seed, place, timeout, quiet=json):
                break
    if ended:
        say("interrupted: this is what was found so far")
    if lost is not None:
        say(f"{lost}: look at them with --first-seed and --workers 1; this is what was found so far")
    if json:
        put(
            {
                "seeds": swept.seeds,
                "failures": swept.failures,
                "seconds": round(swept.seconds, 3),
                "steps": swept.steps,
                "digest": swept.fingerprint,
            }
        )
    else:
        _summarise(swept)
    if ended:
        return ended[0]
    return 1 if swept.failures or lost else 0


def _named(scenario: str, disk: str) -> str:
    """Return the name of what is to run, so that it means the same from every folder."""
    if disk not in {"memory", "lmdb"}:
        raise WrongUsage(f"--disk {disk!r} is unknown; it is memory or lmdb")
    place, colon, attribute = scenario.rpartition(":")
    if place.endswith(".py"):
        scenario = f"{Path(place).absolute()}{colon}{attribute}"
    return scenario + IN_A_FILE if disk == "lmdb" else scenario


def _run(
    scenario: Scenario, timeout: float, *, seed: int, trace: dict[int, int] | None = None, story: bool = False
) -> Simulated:
    with patient(timeout) as begin:
        begin()
        return run_one(scenario, seed=seed, trace=trace, story=story)


def _load(name: str) -> Scenario:
    try:
        return load(name)
    except ScenarioUnknown as unknown:
        raise WrongUsage(str(unknown)) from unknown


def _repeat(scenario: Scenario, seed: int, timeout: float) -> None:
    """Refuse a scenario of the user's of which one seed gives two different runs."""
    once, again = (_run(scenario, timeout, seed=seed, story=True) for _ in range(2))
    if once.digest == again.digest or _hung(once) or _hung(again):
        return
    pairs = zip_longest(once.story.splitlines(), again.story.splitlines(), fillvalue="(the end)")
    parted = next((pair for pair in pairs if pair[0] != pair[1]), None)
    where = "" if parted is None else f"\n  first {parted[0].strip()}\n  then  {parted[1].strip()}"
    raise WrongUsage(f"seed {seed} of {scenario.name!r} gave two different runs: {REPEATABLE}{where}")


def _again(path: Path, timeout: float, *, json: bool) -> int:
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=SavedFailure)
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise WrongUsage(f"{path} is no failure that `refold simulate` saved: {error}") from error
    found = _run(_load(saved.scenario), timeout, seed=saved.seed, trace=saved.trace, story=True)
    if json:
        put(
            {
                "scenario": saved.scenario,
                "seed": saved.seed,
                "failure": found.failure,
                "story": found.story.splitlines(),
            }
        )
    else:
        put_text(found.story)
        if found.failure is None:
            say(f"this run breaks no law; it was saved for: {saved.failure}")
            other = "" if saved.code == code_version() else f" (it was found by Refold {saved.code})"
            say(f"where the code has changed since, the same decisions may lead elsewhere: hunt again{other}")
    return 0 if found.failure is None else 1


def _report(scenario: Scenario, name: str, seed: int, place: Path, timeout: float, *, quiet: bool) -> bool:
    """Shrink a failure, save it, and say how to see it again; return whether the next one is worth it."""
    found = _run(scenario, timeout, seed=seed)
    if found.failure is None:
        say(f"seed {seed} broke a law before and breaks none now: {REPEATABLE}")
        return True
    small = found if _hung(found) else shrink(scenario, found)
    if not quiet:
        put_text(small.story)
        put_text("")
    say(f"seed {seed}: {small.failure}\n  {replace(small, scenario=name).line}")
    path = place / f"{_UNFIT.sub('_', scenario.name)}-{seed}.json"
    failure = SavedFailure(
        scenario=name,
        seed=small.seed,
        trace=small.deviations,
        failure=str(small.failure),
        code=code_version(),
    )
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(failure)) + b"\n")
    except OSError as error:
        say(f"  not saved: {path}: {error.strerror}")
    else:
        say(f"  again: refold simulate --replay {path}")
    return not _hung(found)


def _hung(found: Simulated) -> bool:
    """Whether a run was given up: to run it once more, smaller, would take as long."""
    return found.failure is not None and found.failure.startswith(f"{EVERY_RUN_ENDS}:")


def _summarise(swept: Swept) -> None:
    if not swept.seeds:
        say("no seed has come to its end")
        return
    rate = swept.seeds / swept.seconds if swept.seconds else 0.0
    say(
        f"{swept.seeds:,} seeds in {swept.seconds:.1f} s ({rate:,.0f} a second), {swept.steps:,} steps, "
        f"{swept.deaths:,} processes died, {len(swept.seen)} kinds of situation, digest {swept.fingerprint}"
    )
    if swept.failures:
        more = swept.failures - len(swept.failed)
        seeds = ", ".join(map(str, swept.failed)) + (f" and {more} more" if more else "")
        say(f"{swept.failures} of them broke a law: seeds {seeds}")
    elif swept.seeds >= FEW:
        say(f"no failure: with 95 % confidence fewer than {3 / swept.seeds:.1e} of such runs fail")
    else:
        say("no failure")


class _Progress:
    """A line on the terminal that says how far it is; nothing where nobody looks."""

    def __init__(self, seeds: int | None, *, quiet: bool) -> None:
        self._seeds = seeds
        self._shown = not quiet and sys.stderr.isatty()
        self._last = 0.0

    def __enter__(self) -> Self:
        return self

    def show(self, swept: Swept) -> None:
        if not self._shown or time.monotonic() - self._last < PROGRESS_S:
            return
        self._last = time.monotonic()
        of = "" if self._seeds is None else f" of {self._seeds:,}"
        rate = swept.seeds / swept.seconds if swept.seconds else 0.0
        sys.stderr.write(
            f"\r\x1b[K{swept.seeds:,}{of} seeds, {rate:,.0f} a second, {len(swept.seen)} situations, "
            f"{swept.failures} failures"
        )
        sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")


@contextlib.contextmanager
def _ending() -> Generator[list[int]]:
    """Let Ctrl-C and SIGTERM end what is done inside, workers too, and yield the code to exit with then."""
    codes: list[int] = []

    def end(number: int, _: object) -> NoReturn:
        codes.append(128 + number)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in ENDINGS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # Whoever began us may want us to go on.
            signal.signal(number, end)
    try:
        yield codes
    except KeyboardInterrupt:
        if not codes:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
