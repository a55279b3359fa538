"""Every scenario that ships keeps every law, whatever goes wrong.

`REFOLD_SEEDS=5000` tries that many seeds of each instead of a few; `refold simulate` takes any number.
"""

import os

import pytest
from msgspec.structs import replace

from refold.testing.scenarios import SCENARIOS
from refold.testing.simulation import simulate

SEEDS = int(os.environ.get("REFOLD_SEEDS", "60"))
CHUNK = 20


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_a_scenario_keeps_every_law(name: str, first: int) -> None:
    for seed in range(first, first + CHUNK):
        simulated = simulate(SCENARIOS[name], seed=seed)
        assert simulated.failure is None, f"{simulated.line}\n{simulated.story}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_keeps_every_law_on_a_real_file(name: str) -> None:
    scenario = replace(SCENARIOS[name], disk="lmdb")
    for seed in range(5):
        simulated = simulate(scenario, seed=seed)
        assert simulated.failure is None, f"{simulated.line}\n{simulated.story}"
        assert simulated.digest == simulate(SCENARIOS[name], seed=seed).digest


FOUND = {
    "a refusal was told before what it was decided on was committed": ("steering", 219),
    "the same, of a pause that met a stop in flight": ("confirmation", 232),
    "a follower that had read ahead of Session told it too early, and never again": ("repairs", 1268),
    "a session that was rebuilt after it was fenced wrote in its old epoch": ("confirmation", 5611),
    "a session whose claim was refused took commands": ("repairs", 202486),
    "a session that was rebuilt while its claim was written did not know it again": ("standard", 30569),
    "a follower acted on what another driver had claimed": ("standard", 2006248),
    "a session that learnt of its own claim and of the next one at once stood still": ("standard", 10004879),
    "a session handed in for ever what was written before another's claim": ("confirmation", 10006295),
    "a call whose answer was recorded was made again for who asked late": ("parallel", 20000140),
    "a delegate whose spawning was died of counted as driven": ("delegating", 20000424),
    "a delegate of whom half was let go kept the other half": ("delegating", 20000403),
    "who was told to stop an action before it was connected never was again": ("steering", 31000290),
    "a system that died of letting go of a fenced session's delegates told nobody": ("delegating", 30004584),
}
"""Bugs that the simulator found, each with the first seed that did."""


@pytest.mark.parametrize("what", FOUND)
def test_a_bug_that_a_seed_found_stays_away(what: str) -> None:
    name, seed = FOUND[what]
    simulated = simulate(SCENARIOS[name], seed=seed)
    assert simulated.failure is None, simulated.story
