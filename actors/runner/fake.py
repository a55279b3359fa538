"""A world that counts: a runner in memory, for the stepper and for tests of your own agents.

What outlives a runner (its journal, and what really happened) is in the `FakeWorld`; each launch is a
`FakeRunner`. Nothing here waits, starts a thread or looks at a clock.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

from refold.actors.runner.recovery import collect_or_execute
from refold.actors.runner.runner import KeyState, LaunchFailed, OnGlimpse, RunnerLost, RunnerRefused
from refold.actors.runtime.port import Prepared
from refold.eventlog.actions import Action, Run
from refold.eventlog.observations import Failure, Observation, RunOutput

type Answer = Callable[[str, Action], Observation]
type Mishap = Literal["lost_before", "lost_after", "lost_unsaid"]
"""The runner is lost before an action had its effect, after it, or once its result was kept but not told."""


def obedient(key: str, action: Action) -> Observation:
    """Answer every command with itself."""
    del key
    match action:
        case Run(command=command):
            return RunOutput(content=f"ran: {command}", exit_code=0, command=command)
        case _:
            return Failure(content=f"ERROR:\nTool not available: {type(action).__name__}.")


class FakeWorld:
    """What really happened, however often runners are lost: `effects` counts it by key."""

    def __init__(self, answer: Answer = obedient) -> None:
        self.effects: Counter[str] = Counter()
        self.mishaps: dict[str, Mishap] = {}
        """Set an action's key to have the runner lost when it is carried out."""
        self.interrupted: list[str] = []
        self.lost: set[str] = set()
        """The incarnations that died, or to which the line was cut."""
        self.answer = answer
        self.results: dict[str, Observation] = {}
        self.known: dict[str, tuple[str, str]] = {}
        """Digest and incarnation of every key that was ever accepted."""
        self._runner: FakeRunner | None = None

    def launch(self, *, epoch: int, incarnation: str) -> "FakeRunner":
        if self._runner is not None:
            raise LaunchFailed("another runner of this session is alive; connect to it or end it")
        self._runner = FakeRunner(self, epoch=epoch, incarnation=incarnation)
        return self._runner

    def connect(self, *, epoch: int) -> "FakeRunner | None":
        """Return a new connection to the living runner, which closes the older ones; None if nobody lives."""
        if self._runner is None:
            return None
        if epoch < self._runner.epoch:
            raise RunnerRefused(f"epoch {epoch} is over: epoch {self._runner.epoch} drives this session")
        self._runner.over = RunnerRefused(f"epoch {epoch} has taken over")
        self._runner = FakeRunner(self, epoch=epoch, incarnation=self._runner.incarnation)
        return self._runner

    def lose(self) -> None:
        """Have the runner die as if it were killed."""
        if self._runner is not None:
            self.lost.add(self._runner.incarnation)
            self._runner.over = RunnerLost("the runner is gone")
            self._runner = None


class FakeRunner:
    """A `Runner` that carries out actions by computing their answers, at once."""

    def __init__(self, world: FakeWorld, *, epoch: int, incarnation: str) -> None:
        self.incarnation = incarnation
        self.epoch = epoch
        self.over: Exception | None = None
        self.found: tuple[str, ...] = ()
        self._world = world
        self._ended = False

    def execute(
        self, key: str, digest: str, action: Action, *, on_glimpse: OnGlimpse | None = None
    ) -> Observation:
        self._check()
        world = self._world
        if (known := world.known.get(key)) is not None:
            if known[0] != digest:
                raise RunnerRefused(f"{key} is known with another digest")
            if (kept := world.results.get(key)) is None:
                raise RunnerRefused(f"{key} is known and will not be run again")
            return kept
        world.known[key] = (digest, self.incarnation)
        mishap = world.mishaps.pop(key, None)
        if mishap == "lost_before":
            world.lose()
        self._check()
        world.effects[key] += 1
        observation = world.answer(key, action)
        if mishap == "lost_after":
            world.lose()
        self._check()
        world.results[key] = observation
        if mishap == "lost_unsaid":
            world.lose()
        self._check()
        if on_glimpse is not None:
            on_glimpse(observation.content)
        return observation

    def collect_or_execute(
        self,
        key: str,
        digest: str,
        action: Action,
        started_incarnation: str,
        *,
        on_glimpse: OnGlimpse | None = None,
    ) -> Observation:
        return collect_or_execute(self, key, digest, action, started_incarnation, on_glimpse=on_glimpse)

    def prepare(self, key: str, repository: dict[str, Any]) -> Prepared:
        self._check()
        return Prepared(ok=True, detail=f"cloned {repository.get('url')} by {key}", found=self.found)

    def ask(self, key: str) -> KeyState | Observation:
        self._check()
        if (known := self._world.known.get(key)) is None:
            return "unknown"
        if (kept := self._world.results.get(key)) is not None:
            return kept
        return "acknowledged" if known[1] == "" else "accepted"

    def acknowledge(self, key: str) -> None:
        self._check()
        if self._world.results.pop(key, None) is not None:
            self._world.known[key] = (self._world.known[key][0], "")

    def interrupt(self, key: str) -> None:
        self._check()
        self._world.interrupted.append(key)

    def end(self) -> None:
        if self._ended:
            return
        self._check()
        self._world.lose()
        self._ended = True

    def close(self) -> None:
        self.over = self.over or RunnerLost("the connection was closed")

    def _check(self) -> None:
        if self.over is not None:
            raise self.over
