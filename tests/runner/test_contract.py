"""The promises of runners, kept by each of them."""

import pytest

from refold.actors.runner.fake import FakeWorld
from refold.actors.runner.recovery import recover
from refold.actors.runner.runner import KeyState
from refold.eventlog.actions import Action, Run
from refold.testing.runner_contract import RunnerContract


class TestRunnerClient(RunnerContract):
    """Its `place` is the one of conftest.py, in every sandbox."""


class FakePlace(FakeWorld):
    def leave_trace(self, key: str) -> Action:
        return Run(command=f"leave {key}")

    def traces(self, key: str) -> int:
        return self.effects[key]


class TestFakeRunner(RunnerContract):
    @pytest.fixture
    def place(self) -> FakePlace:
        return FakePlace()


@pytest.mark.parametrize("state", ["unknown", "accepted", "running", "acknowledged"])
def test_another_incarnation_can_never_tell(state: KeyState) -> None:
    assert recover(state, same_incarnation=False) == "unknown"


def test_the_same_incarnation_sends_what_it_does_not_know_and_waits_for_what_it_does() -> None:
    assert recover("unknown", same_incarnation=True) == "send"
    assert recover("accepted", same_incarnation=True) == "wait"
    assert recover("running", same_incarnation=True) == "wait"
    assert recover("acknowledged", same_incarnation=True) == "unknown"
