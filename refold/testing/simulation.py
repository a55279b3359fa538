"""One run of a scenario, from its first process to the end of everything, and what was found on the way."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Protocol

from msgspec import Struct
from msgspec.msgpack import encode

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.choosers import Chooser, Replay, SwarmChooser
from refold.actors.dispatch.faults import Livelock, ProcessDied
from refold.actors.dispatch.stepper import Stepper
from refold.eventlog.record import Record
from refold.testing.minutes import Broken
from refold.testing.patience import EVERY_RUN_ENDS, Hung
from refold.testing.telling import tell

LIVES_MAX = 50
STEPS_MAX = 5_000
"""Far more than any scenario needs: a run that takes more will never come to rest."""
FAULTS = 3


class Run(Protocol):
    """What a scenario makes of one seed; the simulation calls it, and drives the stepper in between."""

    def begin(self) -> None:
        """Do what a process does first: the first one starts things, each later one finds what was stored."""
        ...

    def died(self) -> None:
        """Take note that the process is gone, and with it what it had not stored."""
        ...

    def look(self) -> None:
        """Check what must hold after every step, cheaply; raise `Broken`."""
        ...

    def rest(self) -> bool:
        """Nothing is left to do: make something happen and return True, or return False: it is over."""
        ...

    def end(self) -> None:
        """Check what must hold when all is over; raise `Broken`."""
        ...

    def witness(self, actors: Mapping[str, Actor]) -> None:
        """Look at the actors that are about to die; must not raise."""
        ...

    def evidence(self) -> bytes:
        """Return what was stored, or a digest of it: equal runs have equal evidence."""
        ...

    def seen(self) -> Sequence[str]:
        """Return what this run came by, for figures of coverage."""
        ...

    def stored(self) -> Iterable[Record]:
        """Return what is in the log, for the story."""
        ...

    def close(self) -> None: ...


class Scenario(Protocol):
    """What is simulated. `run` makes everything anew, around a stepper that belongs to this run alone."""

    @property
    def name(self) -> str: ...

    def run(self, stepper: Stepper, seed: int) -> Run: ...


class Simulated(Struct, frozen=True, kw_only=True):
    """How a run went; `failure` is what broke, or None. `trace` replays it, whatever chose it."""

    scenario: str
    seed: int
    trace: tuple[int, ...]
    steps: int
    deaths: int
    failure: str | None
    digest: str
    story: str
    """Who told whom what, where faults struck, and what broke; empty unless it failed or was asked for."""
    seen: tuple[str, ...] = ()

    @property
    def deviations(self) -> dict[int, int]:
        """The decisions that differ from the plain course, by their number."""
        return {number: choice for number, choice in enumerate(self.trace) if choice}

    @property
    def line(self) -> str:
        """One line that reproduces it."""
        return f"simulate({self.scenario!r}, seed={self.seed}, trace={self.deviations})"


def simulate(  # noqa: PLR0913 - options, all of them named
    scenario: Scenario | str,
    *,
    seed: int = 0,
    trace: Sequence[int] | Mapping[int, int] | None = None,
    chooser: Chooser | None = None,
    faults: int = FAULTS,
    story: bool = False,
) -> Simulated:
    """Run `scenario` once, with `faults` faults at most; what broke is returned with the rest, not raised.

    It may be named, as `refold simulate` names it: one of ours, `MODULE:NAME`, `FILE.py:NAME`.
    The seed decides everything: ids, chance, and unless a `trace` (every decision in order, or a few
    deviations from the plain course by number) or a `chooser` is given, the schedule and its faults.
    """
    if isinstance(scenario, str):
        from refold.testing.scenarios import load  # noqa: PLC0415 - they are built of what stands here

        scenario = load(scenario)
    if trace is not None:
        chooser = Replay(trace)
    runs: list[Run] = []
    stepper = Stepper(
        seed,
        SwarmChooser(seed) if chooser is None else chooser,
        faults=faults,
        process_faults=True,
        witness=lambda actors: runs[0].witness(actors) if runs else None,
    )
    run = scenario.run(stepper, seed)
    runs.append(run)
    deaths: list[str] = []
    failure = None
    try:
        _live(stepper, run, deaths)
    except Broken as broken:
        failure = str(broken)
    except Livelock as livelock:
        failure = f"every_session_comes_to_rest: {livelock}"
    except Hung as hung:
        failure = f"{EVERY_RUN_ENDS}: {hung}"
    finally:
        evidence, seen = run.evidence(), tuple(run.seen())
        told = tell(stepper.story.entries, run.stored(), failure) if story or failure is not None else ""
        run.close()
        stepper.clear()
        runs.clear()  # No circle is left: looking for garbage took a tenth of a sweep.
    return Simulated(
        scenario=scenario.name,
        seed=seed,
        trace=tuple(stepper.trace),
        steps=stepper.steps,
        deaths=len(deaths),
        failure=failure,
        digest=_digest(stepper, evidence, failure),
        story=told,
        seen=seen,
    )


def _live(stepper: Stepper, run: Run, deaths: list[str]) -> None:
    """Take steps until all is over, one process after another; `deaths` is told of each that dies."""
    while len(deaths) < LIVES_MAX:
        try:
            run.begin()
            _one_life(stepper, run)
        except ProcessDied as death:
            deaths.append(str(death))
            run.died()
        else:
            run.end()
            return
    raise Livelock(f"no rest after {LIVES_MAX} processes")


def _one_life(stepper: Stepper, run: Run) -> None:
    step, look = stepper.step, run.look
    while stepper.steps < STEPS_MAX:
        if step():
            look()
        elif not run.rest():
            return
    raise Livelock(f"no rest within {STEPS_MAX} steps")


def _digest(stepper: Stepper, evidence: bytes, failure: str | None) -> str:
    """Return a fingerprint of decisions, who told whom what when, what was stored, and what broke."""
    whole = blake2b(evidence, digest_size=16)
    whole.update(encode((stepper.trace, failure)))
    whole.update(stepper.story.outline())
    return whole.hexdigest()
