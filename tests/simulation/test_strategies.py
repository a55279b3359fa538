"""What Hypothesis draws: sessions of any script under any plan keep every law."""

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from refold.actors.models.fake import Line
from refold.testing import Planned, SessionScenario, plans, scripts, simulate
from refold.testing.sessions import SETTINGS
from refold.testing.verbs import Verb

VERBS: tuple[Verb, ...] = (
    "say",
    "pause",
    "resume",
    "stop",
    "continue",
    "confirm",
    "reject",
    "model",
    "close",
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=scripts(), plan=plans(), seed=st.integers(0, 99), confirm=st.booleans())
def test_a_session_of_any_script_keeps_every_law_under_any_plan(
    *, script: tuple[Line, ...], plan: Planned, seed: int, confirm: bool
) -> None:
    scenario = SessionScenario(
        name="drawn",
        lines=script,
        settings=replace(SETTINGS, confirm="always" if confirm else "never"),
        verbs=VERBS,
        interjections_max=3,
    )
    found = simulate(scenario, seed=seed, chooser=plan)
    assert found.failure is None, f"{plan}\n{found.story}"


@pytest.mark.parametrize(("name", "needed"), [("plans", "hypothesis"), ("EventLogContract", "pytest")])
def test_who_lacks_the_extra_is_told_its_name(name: str, needed: str) -> None:
    lacking = f"import sys; sys.modules[{needed!r}] = None; from refold.testing import {name}"
    done = subprocess.run([sys.executable, "-c", lacking], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last == f"ModuleNotFoundError: refold.testing.{name} needs {needed}: install refold[testing]"
