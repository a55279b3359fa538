"""`refold simulate`: sessions by the thousand, each with its own schedule and faults, held to every law."""

import contextlib
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

from refold.cli.options import HomeOption, JsonOption
from refold.cli.output import put, put_text, say
from refold.errors import WrongUsage
from refold.home import Home
from refold.testing.scenarios import SCENARIOS, ScenarioUnknown, load
from refold.testing.shrink import shrink
from refold.testing.simulation import Scenario
from refold.testing.simulation import simulate as run_one
from refold.testing.sweep import Swept, sweep

SEEDS = 1000
SHRUNK_MAX = 5
"""Failures that are shrunk and saved; the rest are only named."""
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
    if replay is not None:
        return _again(replay, json=json)
    if minutes is not None and not minutes > 0:
        raise WrongUsage(f"--minutes {minutes:g} is no time at all")
    chosen = _load(scenario)
    if scenario not in SCENARIOS:
        _repeat(chosen, first_seed)
    count = SEEDS if seeds is None and minutes is None else seeds
    seconds = None if minutes is None else minutes * 60
    processes = workers or (os.cpu_count() or 1)
    place = failures or Home(home).path / "failures"
    swept = Swept()
    with _ending() as ended:
        with _Progress(count, quiet=json) as progress:
            found = sweep(scenario, load, first=first_seed, seeds=count, seconds=seconds, workers=processes)
            for swept in found:
                progress.show(swept)
        for seed in swept.failed[:SHRUNK_MAX]:
            _report(chosen, scenario, seed, place, quiet=json)
    if ended:
        say("interrupted: this is what was found so far")
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
    return 1 if swept.failures else 0


def _load(name: str) -> Scenario:
    try:
        return load(name)
    except ScenarioUnknown as unknown:
        raise WrongUsage(str(unknown)) from unknown


def _repeat(scenario: Scenario, seed: int) -> None:
    """Refuse a scenario of the user's of which one seed gives two different runs."""
    once, again = (run_one(scenario, seed=seed, story=True) for _ in range(2))
    if once.digest == again.digest:
        return
    pairs = zip_longest(once.story.splitlines(), again.story.splitlines(), fillvalue="(the end)")
    parted = next((pair for pair in pairs if pair[0] != pair[1]), None)
    where = "" if parted is None else f"\n  first {parted[0].strip()}\n  then  {parted[1].strip()}"
    raise WrongUsage(f"seed {seed} of {scenario.name!r} gave two different runs: {REPEATABLE}{where}")


def _again(path: Path, *, json: bool) -> int:
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=SavedFailure)
    except OSError as error:
        raise WrongUsage(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise WrongUsage(f"{path} is no failure that `refold simulate` saved: {error}") from error
    found = run_one(_load(saved.scenario), seed=saved.seed, trace=saved.trace, story=True)
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
            say("where the code has changed since, the same decisions may lead elsewhere: hunt again")
    return 0 if found.failure is None else 1


def _report(scenario: Scenario, name: str, seed: int, place: Path, *, quiet: bool) -> None:
    """Shrink a failure, save it, and say how to see it again."""
    found = run_one(scenario, seed=seed)
    if found.failure is None:
        say(f"seed {seed} broke a law before and breaks none now: {REPEATABLE}")
        return
    small = shrink(scenario, found)
    if not quiet:
        put_text(small.story)
        put_text("")
    say(f"seed {seed}: {small.failure}\n  {small.line}")
    path = place / f"{_UNFIT.sub('_', scenario.name)}-{seed}.json"
    failure = SavedFailure(scenario=name, seed=small.seed, trace=small.deviations, failure=str(small.failure))
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(failure)) + b"\n")
    except OSError as error:
        say(f"  not saved: {path}: {error.strerror}")
    else:
        say(f"  again: refold simulate --replay {path}")


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
    else:
        say(f"no failure: with 95 % confidence fewer than {3 / swept.seeds:.1e} of such runs fail")


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
