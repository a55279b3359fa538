"""The same seed is the same run: decisions, story and bytes, in every process and under every hash seed."""

import json
import os
import subprocess
import sys
from pathlib import Path

from refold.testing.scenarios import SCENARIOS, load
from refold.testing.simulation import simulate
from refold.testing.sweep import sweep
from tests.architecture.source import ROOT, modules

SEEDS = 200


def fingerprint(first: int, count: int) -> dict[str, str]:
    """Return digests of runs, with their stories and their logs, of every scenario."""
    names = list(SCENARIOS)
    found: dict[str, str] = {}
    for seed in range(first, first + count):
        name = names[seed % len(names)]
        run = simulate(SCENARIOS[name], seed=seed, story=True)
        found[f"{name} {seed}"] = f"{run.digest} {run.steps} {hash_of(run.story)} {len(run.trace)}"
    return found


def hash_of(text: str) -> str:
    from hashlib import blake2b  # noqa: PLC0415

    return blake2b(text.encode(), digest_size=16).hexdigest()


def test_two_hundred_seeds_run_twice_are_the_same_under_different_hash_seeds() -> None:
    outputs = [
        subprocess.run(
            [sys.executable, str(Path(__file__))],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            timeout=250,
        ).stdout
        for hash_seed in ("1", "4711")
    ]
    first, second = (json.loads(output) for output in outputs)
    assert len(first) == SEEDS
    assert first == second


def test_a_trace_replays_its_run_whatever_chose_it() -> None:
    for seed in range(30):
        run = simulate(SCENARIOS["steering"], seed=seed, story=True)
        again = simulate(SCENARIOS["steering"], seed=seed, trace=run.trace, story=True)
        sparse = simulate(SCENARIOS["steering"], seed=seed, trace=run.deviations)
        assert (run.digest, run.story) == (again.digest, again.story)
        assert sparse.digest == run.digest


def test_the_digest_of_many_seeds_does_not_depend_on_who_ran_them() -> None:
    *_, alone = sweep("standard", load, seeds=120, first=7)
    *_, together = sweep("standard", load, seeds=120, first=7, workers=2)
    assert (alone.fingerprint, alone.steps, alone.seen) == (
        together.fingerprint,
        together.steps,
        together.seen,
    )
    *_, elsewhere = sweep("standard", load, seeds=120, first=8)
    assert elsewhere.fingerprint != alone.fingerprint


def test_nobody_but_the_dispatcher_and_the_ports_knows_of_simulations() -> None:
    tellers = ("simulat", "stepper", "refold.testing")
    knowing = [
        str(module)
        for module in modules()
        if module.name.startswith(("refold.actors", "refold.eventlog", "refold.projections"))
        and not module.name.startswith("refold.actors.dispatch")
        and any(teller in name.lower() for teller in tellers for name in (*module.imports, *module.names))
    ]
    assert knowing == []


if __name__ == "__main__":
    sys.stdout.write(json.dumps(fingerprint(0, SEEDS)))
