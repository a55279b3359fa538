"""One planted bug on trial: a copy of the product, the change, a hunt in a fresh process."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct

from tests.mutations.bug import Bug, Family

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("actors", "eventlog", "projections", "refold")
HUNT = Path(__file__).with_name("hunt.py")
DEVIATIONS_MAX = 3
RUNS_MAX = 2_000
TIMEOUT_S = 1_200


class Verdict(Struct, frozen=True, kw_only=True):
    """What came of a hunt: `seed` is None when nothing was found; `tries` counts the seeds."""

    name: str
    family: Family
    seeds_max: int
    seed: int | None
    scenario: str = ""
    law: str = ""
    found: int = 0
    """Deviations of the run that found it."""
    deviations: int = 0
    """Deviations of the smallest run that shows it: faults, and letters held back."""
    decisions: int = 0
    """Decisions of that run off the plain course; a letter held back takes one at each overtaking."""
    line: str = ""
    story: str = ""
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return self.seed is not None and self.seed < self.seeds_max and self.deviations <= DEVIATIONS_MAX

    @property
    def line_for_people(self) -> str:
        mark = "ok " if self.holds else "BAD"
        if self.seed is None:
            return f"{mark} {self.name}: not found in {self.seeds_max} seeds ({self.seconds:.0f} s)"
        return (
            f"{mark} {self.name}: seed {self.seed} of {self.scenario}, {self.law}, "
            f"{self.found} -> {self.deviations} deviations ({self.seconds:.0f} s)"
        )


def attempt(bug: Bug, *, seeds: int | None = None, runs_max: int = RUNS_MAX) -> Verdict:
    """Plant `bug` in a copy of the product and hunt it there."""
    with TemporaryDirectory(prefix="refold-mutation-") as folder:
        root = Path(folder)
        copy_product(root)
        bug.plant(root)
        found = _hunt(bug, root, bug.seeds_max if seeds is None else seeds, runs_max)
    named = {"name": bug.name, "family": bug.family, "seeds_max": bug.seeds_max if seeds is None else seeds}
    return msgspec.convert({**named, **found}, Verdict)


def copy_product(root: Path) -> None:
    """Copy the packages, with the links through which `refold` finds the others."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, root / package, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )


def _hunt(bug: Bug, root: Path, seeds: int, runs_max: int) -> dict[str, object]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    told = (str(root), str(seeds), ",".join(bug.scenarios), bug.disk, str(runs_max), bug.chooser)
    done = subprocess.run(
        [sys.executable, str(HUNT), *told],
        env=environment,
        cwd=root,
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{bug.name}: the hunt itself failed\n{done.stderr[-4000:]}")
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result
