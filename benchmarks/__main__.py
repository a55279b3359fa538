"""All figures in one run: ours and every peer's in turn, as medians, and their ratios, into `RESULTS.md`."""

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import appends, growth, peers, rebuild, report, simulations, starts, steps
from benchmarks.figures import Figures

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
ROUNDS = int(os.environ.get("REFOLD_BENCHMARK_ROUNDS", "5"))
EVENTS = int(os.environ.get("REFOLD_BENCHMARK_REBUILD", "100000"))
PROSE = "<!-- prose -->"
"""What follows it in the results was written by hand and stays."""


def main() -> None:
    peers.interpreter()
    figures = Figures()
    with tempfile.TemporaryDirectory(dir=HERE.parent, prefix=".benchmark-") as place:
        folder = Path(place)
        stages: dict[str, Callable[[], None]] = {
            "starts": lambda: starts.measure(figures),
            "appends": lambda: appends.measure(folder, figures, ROUNDS),
            "steps": lambda: steps.measure(folder, figures, ROUNDS),
            "growth": lambda: growth.measure(folder, figures, ROUNDS),
            "rebuild": lambda: rebuild.measure(folder, figures, ROUNDS, EVENTS),
            "simulations": lambda: simulations.measure(figures, ROUNDS),
        }
        for name, stage in stages.items():
            sys.stderr.write(f"measuring {name} …\n")
            stage()
    text = report.page(figures, ROUNDS, EVENTS)
    sys.stdout.write(text)
    results = HERE / "RESULTS.md"
    prose = results.read_text(encoding="utf-8").partition(PROSE)[2] if results.exists() else "\n"
    results.write_text(f"{text}\n{PROSE}{prose}", encoding="utf-8")


if __name__ == "__main__":
    main()
