"""The peers' own environment, made on first use from the locked versions in `peers.txt`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.figures import Figures

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parent / ".benchmarks"
QUIET = {
    "OPENHANDS_SUPPRESS_BANNER": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it looks for prices on the network while it is measured
    "PYTHONPATH": str(HERE),
}


def interpreter() -> Path:
    """Return the peers' Python, installing them first where that has not been done."""
    python = ENVIRONMENT / "bin" / "python"
    if not (ENVIRONMENT / "installed").exists():
        uv = shutil.which("uv") or str(HERE.parent / ".tools" / "uv" / "bin" / "uv")
        make = [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(ENVIRONMENT)]
        subprocess.run(make, check=True)
        install = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            str(python),
            "--require-hashes",
            "--requirement",
        ]
        subprocess.run([*install, str(HERE / "peers.txt")], check=True)
        (ENVIRONMENT / "installed").touch()
    return python


def measure(  # noqa: PLR0913 - what the peer is told
    name: str, folder: Path, kind: str, count: int, *, batch: int = 1, callers: int = 1
) -> dict[str, float | str]:
    """Let a peer append and read `count` texts in a folder of its own, which is removed again."""
    place = folder / f"{name}-{kind}-{batch}-{callers}"
    what = [name, str(place), kind, str(count), str(batch), str(callers)]
    command = [str(interpreter()), str(HERE / "peer.py"), *what]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **QUIET})
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        raise SystemExit(f"the peer {name} failed")
    shutil.rmtree(place)
    found: dict[str, float | str] = json.loads(done.stdout.splitlines()[-1])
    return found


def appends(  # noqa: PLR0913 - likewise
    figures: Figures, name: str, folder: Path, kind: str, count: int, *, batch: int = 1
) -> None:
    """Add a peer's rate of appends with the number of callers that suits it best."""
    tries = [
        measure(name, folder, kind, count, batch=batch, callers=callers)
        for callers in ((1, 2, 4) if batch == 1 else (1,))
    ]
    best = min(tries, key=lambda found: float(found["append"]) / float(found["count"]))
    events = float(best["count"])
    what = f"{name}, {'one' if batch == 1 else batch} at once, {kind}"
    figures.add(what, events / float(best["append"]), float(best["append cpu"]) / events * 1e6)
    figures.durability[name] = str(best["durability"])


def rebuilds(figures: Figures, name: str, folder: Path, count: int) -> None:
    """Add a peer's rates of reading: as domain events, and as stored bytes where it can."""
    found = measure(name, folder, "real", count, batch=1000)
    events = float(found["count"])
    figures.add(
        f"{name}, rebuild", events / float(found["decode"]), float(found["decode cpu"]) / events * 1e6
    )
    if "read" in found:
        figures.add(f"{name}, stored bytes only", events / float(found["read"]))
