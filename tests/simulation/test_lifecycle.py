"""Whole sessions in the hands of Hypothesis: anything that a person or the world can do, in any order.

`REFOLD_LIFECYCLES` sets how many lives are lived; 10,000 before a release.
"""

import os
from collections.abc import Mapping
from typing import override

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.choosers import Occasion
from refold.actors.dispatch.faults import ProcessDied
from refold.actors.dispatch.stepper import Stepper
from refold.actors.models.fake import Line
from refold.eventlog.settings import ConfirmationPolicy
from refold.testing import scripts
from refold.testing.sessions import SessionRun, SessionScenario
from tests.simulation.lifecycle import (
    OCCASIONS,
    POLICIES,
    VERBS,
    Hand,
    Verb,
    check_fork,
    command,
    start_settings,
)

LIVES = int(os.environ.get("REFOLD_LIFECYCLES", "40"))
STEPS_MAX = 20_000
FAULTS_MAX = 1000


class Lifecycle(RuleBasedStateMachine):
    """One session in simulation: every law is asked about every record, live state is compared at crashes."""

    def __init__(self) -> None:
        super().__init__()
        self.hand = Hand()
        self.commands = 0
        self.forked: float | None = None

    @initialize(
        script=scripts(),
        confirm=st.sampled_from(POLICIES),
        limit=st.integers(1, 6),
        parallel=st.sampled_from((1, 4)),
        forgets=st.booleans(),
        seed=st.sampled_from((0, 1)),
    )
    def begin(  # noqa: PLR0913 - all that is drawn
        self,
        *,
        script: tuple[Line, ...],
        confirm: ConfirmationPolicy,
        limit: int,
        parallel: int,
        forgets: bool,
        seed: int,
    ) -> None:
        self.scenario = SessionScenario(
            name="lifecycle",
            lines=script,
            settings=start_settings(
                confirm=confirm, iterations_max=limit, parallel_max=parallel, forgets=forgets
            ),
            encores=4,
        )
        self.stepper = Stepper(seed, self.hand, faults=FAULTS_MAX, process_faults=True, witness=self.witness)
        self.run = SessionRun(self.scenario, self.stepper, seed)
        self.run.begin()

    @rule(verb=st.sampled_from(VERBS))
    def somebody_says(self, verb: Verb) -> None:
        self.commands += 1
        at = self.stepper.now_ns()
        self.run.person.say(command(verb, f"somebody/{self.commands}", at, self.run.minutes.state))

    @rule(count=st.integers(1, 40), order=st.lists(st.integers(0, 5), max_size=8))
    def time_passes(self, count: int, order: list[int]) -> None:
        self.hand.order = order
        for _ in range(count):
            if not self.step():
                return

    @rule()
    def it_comes_to_rest(self) -> None:
        while self.step():
            pass

    @rule(occasion=st.sampled_from(OCCASIONS), way=st.integers(0, 20))
    def something_is_about_to_go_wrong(self, occasion: Occasion, way: int) -> None:
        """Let a model or tool fail, the disk be full or taken, the clock jump, an actor or all of it die."""
        self.hand.wrong = [(occasion, way)]

    @rule()
    def the_process_is_killed(self) -> None:
        self.stepper.crash_all()
        self.come_back()

    @rule(where=st.floats(0, 1))
    def somebody_forks_it(self, where: float) -> None:
        self.forked = where

    @override
    def teardown(self) -> None:
        """Have a patient person see it to its end, and compare everything with the log."""
        if not hasattr(self, "run"):
            return
        self.hand.order, self.hand.wrong = [], []
        try:
            while self.step() or self.rest():
                pass
            self.run.end()
            if self.forked is not None:
                at = int(self.forked * self.run.minutes.version)
                check_fork(self.run.disk.inner, max(1, at), self.scenario.lines)
        finally:
            self.run.close()
            self.stepper.clear()

    # How it goes on -----------------------------------------------------------------------------------

    def step(self) -> bool:
        assert self.stepper.steps < STEPS_MAX, "it never comes to rest"
        try:
            if not self.stepper.step():
                return False
            self.run.look()
        except ProcessDied:
            self.come_back()
        return True

    def rest(self) -> bool:
        try:
            return self.run.rest()
        except ProcessDied:
            self.come_back()
            return True

    def witness(self, actors: Mapping[str, Actor]) -> None:
        self.run.witness(actors)

    def come_back(self) -> None:
        self.run.died()
        self.run.begin()


Lifecycle.TestCase.settings = settings(
    max_examples=LIVES,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLifecycle = Lifecycle.TestCase
