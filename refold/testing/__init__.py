"""What Refold's own tests stand on, for yours: simulations, contracts, deciders in sentences, fakes.

Strategies need Hypothesis, and contracts pytest (`refold[testing]`); names load when they are used.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refold.actors.dispatch.choosers import Planned, PlannedTrouble, Replay, SwarmChooser
    from refold.actors.dispatch.stepper import Stepper
    from refold.actors.models.fake import ScriptedModel, says
    from refold.actors.runner.fake import FakeRunner, FakeWorld
    from refold.eventlog.memory_log import MemoryLog
    from refold.testing.contract import EventLogContract
    from refold.testing.courses import Steered
    from refold.testing.dispatch_contract import DispatcherContract
    from refold.testing.minutes import Broken
    from refold.testing.runner_contract import RunnerContract, RuntimePlace
    from refold.testing.scenarios import SCENARIOS
    from refold.testing.sessions import SessionRun, SessionScenario
    from refold.testing.simulation import Run, Scenario, Simulated, simulate
    from refold.testing.spec import given
    from refold.testing.strategies import faults, plans, schedules, scripts
    from refold.testing.troubled import TroubledWorld
    from refold.testing.world import SmallWorld

__all__ = [
    "SCENARIOS",
    "Broken",
    "DispatcherContract",
    "EventLogContract",
    "FakeRunner",
    "FakeWorld",
    "MemoryLog",
    "Planned",
    "PlannedTrouble",
    "Replay",
    "Run",
    "RunnerContract",
    "RuntimePlace",
    "Scenario",
    "ScriptedModel",
    "SessionRun",
    "SessionScenario",
    "Simulated",
    "SmallWorld",
    "Steered",
    "Stepper",
    "SwarmChooser",
    "TroubledWorld",
    "faults",
    "given",
    "plans",
    "says",
    "schedules",
    "scripts",
    "simulate",
]

_HOME = {
    "SCENARIOS": "refold.testing.scenarios",
    "Broken": "refold.testing.minutes",
    "DispatcherContract": "refold.testing.dispatch_contract",
    "EventLogContract": "refold.testing.contract",
    "FakeRunner": "refold.actors.runner.fake",
    "FakeWorld": "refold.actors.runner.fake",
    "MemoryLog": "refold.eventlog.memory_log",
    "Planned": "refold.actors.dispatch.choosers",
    "PlannedTrouble": "refold.actors.dispatch.choosers",
    "Replay": "refold.actors.dispatch.choosers",
    "Run": "refold.testing.simulation",
    "RunnerContract": "refold.testing.runner_contract",
    "RuntimePlace": "refold.testing.runner_contract",
    "Scenario": "refold.testing.simulation",
    "ScriptedModel": "refold.actors.models.fake",
    "SessionRun": "refold.testing.sessions",
    "SessionScenario": "refold.testing.sessions",
    "Simulated": "refold.testing.simulation",
    "SmallWorld": "refold.testing.world",
    "Steered": "refold.testing.courses",
    "Stepper": "refold.actors.dispatch.stepper",
    "SwarmChooser": "refold.actors.dispatch.choosers",
    "TroubledWorld": "refold.testing.troubled",
    "faults": "refold.testing.strategies",
    "given": "refold.testing.spec",
    "plans": "refold.testing.strategies",
    "says": "refold.actors.models.fake",
    "schedules": "refold.testing.strategies",
    "scripts": "refold.testing.strategies",
    "simulate": "refold.testing.simulation",
}


_EXTRA = {"hypothesis", "pytest"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value: object = getattr(importlib.import_module(_HOME[name]), name)
    except ModuleNotFoundError as missing:
        if missing.name not in _EXTRA:
            raise
        said = f"{__name__}.{name} needs {missing.name}: install refold[testing]"
        raise ModuleNotFoundError(said, name=missing.name) from missing
    globals()[name] = value
    return value
