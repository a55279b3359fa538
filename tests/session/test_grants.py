"""What a delegate is granted: a slice of what its parent has left, and never of what nobody knows."""

import pytest
from msgspec.structs import replace

from refold.actors.delegation.decide import child_settings, granted
from refold.actors.session.state import Life, State, initial_state
from refold.eventlog.settings import AgentSettings
from refold.testing.scenarios import DELEGATING


@pytest.mark.parametrize(("spent", "left"), [(0.0, 0.2), (0.15, 0.05), (None, 0.0)])
def test_b42_what_is_granted_is_known_to_be_left(spent: float | None, left: float) -> None:
    agent = replace(initial_state().agent, budget_usd=0.2, cost_usd=spent)
    state = State(life=Life(settings=DELEGATING.settings), agent=agent)
    assert granted(state, AgentSettings(agent="codeact")).budget_usd == pytest.approx(left)


def test_b42_a_delegate_works_in_its_parents_workspace_and_clones_nothing() -> None:
    settings = replace(DELEGATING.settings, repository="/repository", branch="main")
    state = State(life=Life(settings=settings), agent=replace(initial_state().agent, iterations_max=5))
    granted_to = child_settings(state, "helper")
    assert (granted_to.repository, granted_to.branch) == (None, None)
    assert granted_to.workspace == settings.workspace
