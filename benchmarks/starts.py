"""What it costs to begin: importing the package, and asking the command line for help."""

import subprocess
import sys
import time

from benchmarks.figures import Figures

RUNS = 10
COMMANDS = (
    ("bare python", ["-c", "pass"]),
    ("import refold", ["-c", "import refold"]),
    ("refold --help", ["-m", "refold", "--help"]),
)


def measure(figures: Figures) -> None:
    for command in COMMANDS:
        _run(command[1])
    for _ in range(RUNS):
        for name, arguments in COMMANDS:
            began = time.perf_counter()
            _run(arguments)
            figures.add(f"ms for {name}", (time.perf_counter() - began) * 1e3)


def _run(arguments: list[str]) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
