"""Simulated sessions: the standard scenario with faults, its log in memory and in a file of LMDB."""

import time

from msgspec.structs import replace

from benchmarks.figures import Figures
from refold.testing.scenarios import STANDARD
from refold.testing.sessions import SessionScenario
from refold.testing.sweep import rarely_collecting, run_chunk

SEEDS = 1000
LOGS: dict[str, SessionScenario] = {"in memory": STANDARD, "in a file": replace(STANDARD, disk="lmdb")}


def measure(figures: Figures, rounds: int) -> None:
    for scenario in LOGS.values():
        run_chunk(scenario, 0, SEEDS // 10)
    for number in range(rounds):
        for name, scenario in LOGS.items():
            with rarely_collecting():
                began, cpu = time.perf_counter(), time.process_time()
                chunk = run_chunk(scenario, number * SEEDS, SEEDS)
                wall, spent = time.perf_counter() - began, time.process_time() - cpu
            if chunk.failed:
                raise AssertionError(f"seeds {chunk.failed} of {scenario.name} fail")
            figures.add(f"simulated sessions per CPU minute, log {name}", SEEDS / spent * 60)
            figures.add(f"simulated sessions per minute, log {name}", SEEDS / wall * 60)
            figures.add(f"steps per simulated session, log {name}", chunk.steps / SEEDS)
