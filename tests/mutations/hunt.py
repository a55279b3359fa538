"""Runs in a process of its own, on a mutated copy: hunts the planted bug seed by seed, makes the find small.

    python tests/mutations/hunt.py ROOT SEEDS SCENARIO,… DISK RUNS CHOOSER

`ROOT` is the copy, and must be what is imported; `CHOOSER` is `swarm`, or `lone fault`: the plain course, on
which one thing goes wrong, somewhere. Prints one line of JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from msgspec.structs import replace

import refold
from refold.actors.dispatch.choosers import Chooser, Planned, SwarmChooser
from refold.actors.models.fake import says
from refold.eventlog.events import ModelFailed
from refold.testing.scenarios import CONDENSING, DELEGATING, RISKY, SCENARIOS, STANDARD, STEERING
from refold.testing.sessions import SessionScenario
from refold.testing.shrink import ENOUGH, count_deviations, law_of, shrink
from refold.testing.simulation import Scenario, Simulated, simulate

SEEDS_BEYOND = 1_000
"""So far behind the first seed that found a bug others are looked for that may show it better."""
OCCASIONS, WAYS = 600, 4
"""So many times something could go wrong in a session, and in so many ways, about."""

_WORK = {"command": "make"}
_FINISH = replace(says("", ("finish", {"message": "done"})), cost_usd=0.001)
_DELEGATE = replace(says("", ("delegate", {"agent": "helper", "task": "a part of it"})), cost_usd=0.001)
_IMPATIENCE = replace(STANDARD, name="impatience", verbs=("say", "stop"), interjections_max=10, versions=30)
MORE: dict[str, SessionScenario] = {
    "waiting": replace(
        STANDARD,
        name="waiting",
        settings=replace(STANDARD.settings, retries_max=1),
        lines=tuple(
            ModelFailed(fault="rate_limit", message="slow down")
            if number % 2
            else says("", ("execute_bash", _WORK))
            for number in range(6)
        )
        + STANDARD.lines,
        verbs=("say", "stop", "pause", "resume"),
        interjections_max=5,
    ),
    "impatience": _IMPATIENCE,
    "slow disk": replace(_IMPATIENCE, name="slow disk", pace=(2, 1)),
    "a family that pauses": replace(
        DELEGATING,
        name="a family that pauses",
        lines=(_DELEGATE, *(_FINISH for _ in range(12))),
        scripts={"script:helper": (_FINISH,)},
        verbs=("pause", "resume"),
        interjections_max=6,
        versions_of="family",
        versions=20,
        encores=8,
    ),
    "a summary that fails": replace(
        CONDENSING,
        name="a summary that fails",
        scripts={
            "script:summary": tuple(
                line if number % 2 else ModelFailed(fault="rate_limit", message="slow down")
                for number, line in enumerate(CONDENSING.lines)
            )
        },
    ),
    "changing minds": replace(RISKY, name="changing minds", verbs=("policy",), interjections_max=6),
    "steering on a slow disk": replace(STEERING, name="steering on a slow disk", pace=(2, 1)),
}
"""Scenarios for what those that ship come by too seldom."""


def scenario(name: str, disk: str) -> Scenario:
    return replace((SCENARIOS | MORE)[name], disk=disk)


def lone_fault(seed: int) -> Chooser:
    """Return a chooser that lets one thing go wrong, and everything else take its turn."""
    chance = Random(f"lone fault of {seed}")  # noqa: S311 - repeatable on purpose
    return Planned(faults=((chance.randrange(OCCASIONS), chance.randrange(WAYS)),))


CHOOSERS: dict[str, Callable[[int], Chooser]] = {"swarm": SwarmChooser, "lone fault": lone_fault}


def hunt(
    seeds: int, scenarios: list[Scenario], runs_max: int, choose: Callable[[int], Chooser]
) -> dict[str, object]:
    """Try seed after seed, each in the scenario whose turn it is; return what came of it."""
    began = time.perf_counter()
    for seed in range(seeds):
        turn = scenarios[seed % len(scenarios)]
        found = simulate(turn, seed=seed, chooser=choose(seed))
        if found.failure is not None:
            small = smallest(turn, found, runs_max, choose)
            return {
                "seed": seed,
                "scenario": turn.name,
                "law": law_of(found),
                "found": count_deviations(turn, found),
                "deviations": count_deviations(turn, small),
                "decisions": len(small.deviations),
                "line": small.line,
                "story": small.story,
                "seconds": time.perf_counter() - began,
            }
    return {"seed": None, "seconds": time.perf_counter() - began}


def smallest(turn: Scenario, found: Simulated, runs_max: int, choose: Callable[[int], Chooser]) -> Simulated:
    """Make the find small; where it stays large, try the next ones that break the same law too."""
    small = shrink(turn, found, runs_max=runs_max)
    for seed in range(found.seed + 1, found.seed + SEEDS_BEYOND):
        if count_deviations(turn, small) <= ENOUGH:
            break
        other = simulate(turn, seed=seed, chooser=choose(seed))
        if law_of(other) == law_of(found):
            again = shrink(turn, other, runs_max=runs_max)
            small = min(small, again, key=lambda one: count_deviations(turn, one))
    return small


def main(root: str, seeds: str, names: str, disk: str, runs_max: str, chooser: str) -> None:  # noqa: PLR0913, PLR0917
    imported = Path(refold.__file__).resolve()
    if not imported.is_relative_to(Path(root).resolve()):
        raise SystemExit(f"{imported} was imported, not the copy at {root}")
    scenarios = [scenario(name, disk) for name in names.split(",")]
    sys.stdout.write(json.dumps(hunt(int(seeds), scenarios, int(runs_max), CHOOSERS[chooser])) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
