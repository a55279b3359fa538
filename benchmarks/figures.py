"""What was measured: every figure as often as there were rounds, and its median."""

import statistics
import time
from collections.abc import Generator
from contextlib import contextmanager


class Figures:
    """Figures by name; a rate's CPU time per event stands under the same name."""

    def __init__(self) -> None:
        self._found: dict[str, list[float]] = {}
        self._cpu: dict[str, list[float]] = {}
        self.durability: dict[str, str] = {}

    def add(self, name: str, value: float, cpu_us: float | None = None) -> None:
        self._found.setdefault(name, []).append(value)
        if cpu_us is not None:
            self._cpu.setdefault(name, []).append(cpu_us)

    @contextmanager
    def rate(self, name: str, count: int) -> Generator[None]:
        """Add the events per second, and the CPU that each one costs, of the block."""
        began, cpu = time.perf_counter(), time.process_time()
        yield
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
        self.add(name, count / seconds, spent / count * 1e6)

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def __getitem__(self, name: str) -> float:
        return statistics.median(self._found[name])

    def cpu_us(self, name: str) -> float | None:
        found = self._cpu.get(name)
        return None if found is None else statistics.median(found)

    def ratio(self, name: str, other: str) -> float:
        """Return the median of the rounds' own ratios: both sides saw the same disk then."""
        ours, theirs = self._found[name], self._found[other]
        return statistics.median([one / two for one, two in zip(ours, theirs, strict=True)])
