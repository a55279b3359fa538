"""The same lives on real threads: commands at any moment, drivers that are replaced, and a patient end.

`REFOLD_LIVES_ON_THREADS` sets how many lives are lived; 500 before a release.
"""

import os
from typing import TYPE_CHECKING, override

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from refold.actors.controller.transitions import RESTING
from refold.actors.dispatch.pool import PoolDispatcher
from refold.actors.models.fake import Line
from refold.actors.models.retry import is_retried
from refold.actors.session.due import due
from refold.actors.session.evolve import fold
from refold.actors.session.messages import Reply
from refold.actors.session.state import State, initial_state
from refold.actors.sessions import Sessions
from refold.eventlog.events import ModelFailed, SessionStarted
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.settings import ConfirmationPolicy
from refold.testing import scripts
from refold.testing.crash import IDENTITY, STREAM
from refold.testing.world import SmallWorld
from tests.simulation.lifecycle import (
    POLICIES,
    VERBS,
    Verb,
    check_fork,
    check_log,
    check_rests,
    command,
    start_settings,
)

if TYPE_CHECKING:
    import queue

LIVES = int(os.environ.get("REFOLD_LIVES_ON_THREADS", "10"))
WAIT_S = 60.0
ENCORES = 4
PATIENT: dict[str, Verb] = {
    "awaiting_user_confirmation": "confirm",
    "awaiting_user_input": "say",
    "paused": "resume",
    "error": "extend",
    "stopped": "say",
}


def quick(script: tuple[Line, ...]) -> tuple[Line, ...]:
    """Leave out the failures after which a real second would pass."""
    return tuple(line for line in script if not (isinstance(line, ModelFailed) and is_retried(line.fault)))


class LifeOnThreads(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.commands = 0
        self.forked: float | None = None
        self.pools: list[PoolDispatcher] = []

    @initialize(script=scripts().map(quick), confirm=st.sampled_from(POLICIES), limit=st.integers(1, 6))
    def begin(self, *, script: tuple[Line, ...], confirm: ConfirmationPolicy, limit: int) -> None:
        self.script = script
        self.log, self.world = MemoryLog(id=bytes(16)), SmallWorld(script)
        self.drive()
        inbox = self.pool.listen("starter")
        fact = SessionStarted(settings=start_settings(confirm=confirm, iterations_max=limit), task="go")
        self.sessions.start(STREAM, fact, reply_to="starter")
        self.answered(inbox)

    @rule(verb=st.sampled_from(VERBS))
    def somebody_says(self, verb: Verb) -> None:
        self.commands += 1
        name = f"person/{self.commands}"
        inbox = self.pool.listen(name)
        self.sessions.tell(STREAM, command(verb, name, self.commands, self.state()), reply_to=name)
        self.answered(inbox)

    @rule()
    def it_comes_to_rest(self) -> None:
        subscription = self.log.subscribe(stream=STREAM)
        state = initial_state()
        while not self.rests(state):
            records = subscription.take(timeout_s=WAIT_S)
            assert records, f"{state.agent.state} for ever, with {due(state)}"
            state = fold(state, records)
        subscription.close()

    @rule()
    def another_driver_takes_over(self) -> None:
        """Leave the one before alive: what it still does must be refused."""
        self.drive()
        inbox = self.pool.listen("claimer")
        self.sessions.claim(STREAM, reply_to="claimer")
        self.answered(inbox)

    @rule(where=st.floats(0, 1))
    def somebody_forks_it(self, where: float) -> None:
        self.forked = where

    @override
    def teardown(self) -> None:
        """Have a patient person see it to its end, and compare everything with the log."""
        if not self.pools:
            return
        try:
            for _ in range(ENCORES):
                self.it_comes_to_rest()
                if self.state().life.closed:
                    self.another_driver_takes_over()
                elif verb := PATIENT.get(self.state().agent.state):
                    self.somebody_says(verb)
            self.it_comes_to_rest()
        finally:
            for pool in self.pools:
                pool.close()  # What was under way may still be told, until here.
        check_rests(check_log(self.log))
        if self.forked is not None:
            check_fork(self.log, max(1, int(self.forked * self.state().version)), self.script)

    # How it goes on -----------------------------------------------------------------------------------

    @property
    def pool(self) -> PoolDispatcher:
        return self.pools[-1]

    def drive(self) -> Sessions:
        self.pools.append(PoolDispatcher())
        self.sessions = Sessions(self.pool, self.log, self.world, IDENTITY)
        return self.sessions

    def state(self) -> State:
        return fold(initial_state(), self.log.read(STREAM)) if self.log.head(STREAM) else initial_state()

    @staticmethod
    def answered(inbox: "queue.SimpleQueue[object]") -> Reply:
        reply = inbox.get(timeout=WAIT_S)
        assert isinstance(reply, Reply)
        return reply

    @staticmethod
    def rests(state: State) -> bool:
        return state.version >= 0 and (
            state.life.closed or (state.agent.state in RESTING and due(state) == ())
        )


LifeOnThreads.TestCase.settings = settings(
    max_examples=LIVES,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLifeOnThreads = LifeOnThreads.TestCase
