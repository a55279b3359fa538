"""Our own time per agent step: a whole session with a script for a model and thoughts for tools."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.figures import Figures
from refold.eventlog.round import Round
from refold.system import System

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = (100, 400)
PATIENCE_S = 300


class Clocked:
    """Sums up the time that commits take, from the first row to the last sync."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._commit: Callable[[Round], None] = Round.commit

    def __enter__(self) -> Self:
        commit = self._commit

        def clocked(tables: Round) -> None:
            began = time.perf_counter()
            commit(tables)
            self.seconds += time.perf_counter() - began

        Round.commit = clocked  # type: ignore[method-assign, assignment]
        return self

    def __exit__(self, *_: object) -> None:
        Round.commit = self._commit  # type: ignore[method-assign, assignment]


def measure(folder: Path, figures: Figures, rounds: int) -> None:
    for number in range(rounds):
        for steps in STEPS:
            _session(folder / f"steps-{number}-{steps}", figures, steps)


def _session(folder: Path, figures: Figures, steps: int) -> None:
    folder.mkdir()
    script = folder / "script.jsonl"
    script.write_text("\n".join(_answer(number) for number in range(steps)), encoding="utf-8")
    with System(folder / "home") as system:
        session = system.start(model=f"script:{script}", sandbox="local", iterations_max=steps)
        session.wait(PATIENCE_S)
        with Clocked() as commits:
            before, events = system.log.committer.commits, system.log.end
            began, cpu = time.perf_counter(), time.process_time()
            session.say("Think it over.")
            session.wait(PATIENCE_S)
            wall, spent = time.perf_counter() - began, time.process_time() - cpu
            count, written = system.log.committer.commits - before, system.log.end - events
        session.close()
    if written < 3 * steps:
        raise AssertionError(f"{written} events are too few for {steps} steps")
    what = f"of {steps} steps"
    figures.add(f"wall ms per step {what}", wall / steps * 1e3)
    figures.add(f"CPU ms per step {what}", spent / steps * 1e3)
    figures.add(f"commits per step {what}", count / steps)
    figures.add(f"ms in commits per step {what}", commits.seconds / steps * 1e3)
    figures.add(f"own ms per step {what}", (wall - commits.seconds) / steps * 1e3)


def _answer(number: int) -> str:
    """Return a model's answer that thinks one thought; no two alike, or the session would be stuck."""
    arguments = json.dumps({"thought": f"Thought {number}: what follows from the one before?"})
    call = {"id": f"c{number}", "type": "function", "function": {"name": "think", "arguments": arguments}}
    choice = {
        "index": 0,
        "finish_reason": "tool_calls",
        "message": {"role": "assistant", "tool_calls": [call]},
    }
    return json.dumps({"id": f"r{number}", "object": "chat.completion", "choices": [choice]})
