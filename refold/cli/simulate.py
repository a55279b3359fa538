"""`refold simulate`: sessions by the thousand, each with its own schedule and faults, held to every law."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Generator
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

SIGTERM_CODE = 128 + signal.SIGTERM


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
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes (one for each core).")
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
    count = SEEDS if seeds is None and minutes is None else seeds
    seconds = None if minutes is None else minutes * 60
    processes = workers or (os.cpu_count() or 1)
    swept = Swept()
    with _terminable(), _Progress(count, quiet=json) as progress:
        for swept in sweep(scenario, load, first=first_seed, seeds=count, seconds=seconds, workers=processes):
            progress.show(swept)
    place = failures or Home(home).path / "failures"
    for seed in swept.failed[:SHRUNK_MAX]:
        _report(chosen, scenario, seed, place, quiet=json)
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
    return 1 if swept.failures else 0


def _load(name: str) -> Scenario:
    try:
        return load(name)
    except ScenarioUnknown as unknown:
        raise WrongUsage(str(unknown)) from unknown


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
            say(f"this run breaks no law any more; it was saved for: {saved.failure}")
    return 0 if found.failure is None else 1


def _report(scenario: Scenario, name: str, seed: int, place: Path, *, quiet: bool) -> None:
    """Shrink a failure, save it, and say how to see it again."""
    found = run_one(scenario, seed=seed)
    small = shrink(scenario, found)
    path = place / f"{scenario.name}-{seed}.json"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    failure = SavedFailure(scenario=name, seed=small.seed, trace=small.deviations, failure=str(small.failure))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(failure)) + b"\n")
    if not quiet:
        put_text(small.story)
        put_text("")
    say(f"seed {seed}: {small.failure}\n  {small.line}\n  again: refold simulate --replay {path}")


def _summarise(swept: Swept) -> None:
    rate = swept.seeds / swept.seconds if swept.seconds else 0.0
    say(
        f"{swept.seeds:,} seeds in {swept.seconds:.1f} s ({rate:,.0f} a second), {swept.steps:,} steps, "
        f"{swept.deaths:,} processes died, {len(swept.seen)} kinds of situation, digest {swept.fingerprint}"
    )
    if swept.failures:
        say(f"{swept.failures} of them broke a law: seeds {', '.join(map(str, swept.failed))}")
    elif swept.seeds:
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
def _terminable() -> Generator[None]:
    """Let SIGTERM end the workers too."""

    def end(*_: object) -> NoReturn:
        raise typer.Exit(SIGTERM_CODE)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
