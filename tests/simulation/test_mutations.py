"""Planted bugs are found, and their stories are short.

A few of the catalogue as a rule; `REFOLD_MUTATIONS=all` tries all that are known to be.
"""

import os

import pytest

from refold.testing.simulation import simulate
from tests.mutations.bug import Bug, NotThere
from tests.mutations.catalogue import BUGS, OPEN
from tests.mutations.trial import ROOT, attempt

FEW = (
    "a command is answered when it was decided, before it is committed",
    "an append that found a full disk is never tried again",
    "one step more than the limit is taken",
    "a commit does not sync",
)
HUNTED = [name for name in BUGS if name not in OPEN] if os.environ.get("REFOLD_MUTATIONS") == "all" else FEW


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", HUNTED)
def test_a_planted_bug_is_found_and_its_story_is_short(name: str) -> None:
    verdict = attempt(BUGS[name])
    assert verdict.holds, f"{verdict.line_for_people}\n{verdict.line}\n{verdict.story}"


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_a_bug_can_still_be_planted(bug: Bug) -> None:
    text = (ROOT / bug.file).read_text()
    for old, new in bug.edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {bug.file}"
        text = text.replace(old, new)
    compile(text, bug.file, "exec")


def test_a_bug_whose_place_has_changed_says_so() -> None:
    bug = Bug(name="nothing", family="file", file="eventlog/log.py", edits=(("not there at all", ""),))
    with pytest.raises(NotThere, match="stands 0 times"):
        attempt(bug)


def test_the_product_itself_is_not_touched() -> None:
    before = {bug.file: (ROOT / bug.file).read_bytes() for bug in BUGS.values()}
    attempt(BUGS[FEW[0]], seeds=1)
    assert before == {bug.file: (ROOT / bug.file).read_bytes() for bug in BUGS.values()}


def test_the_scenarios_of_the_hunt_alone_keep_every_law() -> None:
    from tests.mutations.hunt import MORE, lone_fault  # noqa: PLC0415 - it is a program, too

    for scenario in MORE.values():
        for seed in range(40):
            for chooser in (None, lone_fault(seed)):
                simulated = simulate(scenario, seed=seed, chooser=chooser)
                assert simulated.failure is None, f"{simulated.line}\n{simulated.story}"
