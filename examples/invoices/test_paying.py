"""The ten lines that find out, and the proof that they do."""

import pytest
from hypothesis import given, settings

from examples.invoices.paying import Bank, careful_agent, hasty_agent
from refold.testing import (
    Broken,
    Planned,
    SessionRun,
    SessionScenario,
    Simulated,
    plans,
    simulate,
)
from refold.testing.shrink import shrink


def an_invoice_is_paid_once(run: SessionRun) -> None:
    assert isinstance(run.answering, Bank)
    if run.answering.payments > 1:
        raise Broken("an_invoice_is_paid_once", f"{run.answering.payments} payments")


HASTY = SessionScenario(name="hasty", lines=(hasty_agent,) * 9, answers=Bank, law=an_invoice_is_paid_once)
CAREFUL = SessionScenario(
    name="careful", lines=(careful_agent,) * 9, answers=Bank, law=an_invoice_is_paid_once
)


@settings(max_examples=300, deadline=None)
@given(plans())
def test_a_careful_agent_pays_once(plan: Planned) -> None:
    found = simulate(CAREFUL, chooser=plan)
    assert found.failure is None, found.story


def test_a_hasty_agent_is_found_out_by_very_little_trouble() -> None:
    failed: list[Simulated] = []

    @settings(max_examples=3000, deadline=None, derandomize=True, database=None)
    @given(plans())
    def an_agent_pays_once(plan: Planned) -> None:
        found = simulate(HASTY, chooser=plan)
        if found.failure is not None:
            failed.append(found)
        assert found.failure is None, f"{plan}\n{found.story}"

    with pytest.raises(AssertionError) as caught:
        an_agent_pays_once()
    plan, _, story = str(caught.value).partition("\n")
    assert plan.startswith("Planned(")
    assert "an_invoice_is_paid_once: 2 payments" in story
    assert "FAULT *** runner: lost_after" in story
    small = shrink(HASTY, failed[-1])
    assert "FAULT *** runner: lost_after" in small.story
    assert 1 <= len(small.deviations) <= 3, small.line
