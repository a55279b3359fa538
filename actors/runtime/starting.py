"""The steps of a start that need a runner, as they are taken: on a worker thread, and at most once each."""

import hashlib

from refold.actors.runtime.port import HandsPort
from refold.actors.start.scripts import command_of
from refold.actors.start.steps import STEPS
from refold.eventlog.observations import Observation, RunOutput
from refold.eventlog.settings import Settings
from refold.eventlog.starting import StartStep, StartStepEnded, StepOutcome

OURS: frozenset[StartStep] = frozenset({"repository", "setup", "hooks"})
"""The steps that the Runtime actor takes."""

_DETAIL_MAX = 2_000


def take_step(
    hands: HandsPort, settings: Settings, step: StartStep, key: str, incarnation: str
) -> StartStepEnded:
    """Take a step and return what came of it. Raises `HandsLost`."""
    bad: StepOutcome = "failed" if STEPS[step].mandatory else "warned"
    command = command_of(step, settings.start_timeout_s)
    if command is None:
        prepared = hands.prepare(key, settings)
        outcome: StepOutcome = "done" if prepared.ok else bad
        detail = _tail(prepared.detail)
        return StartStepEnded(step=step, outcome=outcome, detail=detail, found=prepared.found)
    digest = hashlib.sha256(command.command.encode()).hexdigest()
    said = hands.execute(key, digest, command, started_in=incarnation)
    code = said.exit_code if isinstance(said, RunOutput) else None
    return StartStepEnded(
        step=step,
        outcome="done" if code == 0 else bad,
        detail="" if code == 0 else _why(said, code),
        incarnation=incarnation if step == "setup" else None,
    )


def _why(said: Observation, code: int | None) -> str:
    ended = {None: "it did not run", -1: "it did not end"}.get(code, f"it ended with exit code {code}")
    return f"{ended}\n{_tail(said.content)}"


def _tail(text: str) -> str:
    """Return the end of a text: that is where a script says what was wrong."""
    text = text.strip()
    return text if len(text) <= _DETAIL_MAX else f"[...]{text[-_DETAIL_MAX:]}"
