"""What every runner promises: subclass `RunnerContract` with a `place` fixture and it is proved.

For a runtime of your own the fixture is a `RuntimePlace`, ended afterwards; `RealPlace` is for our sandboxes.
"""

# ruff: noqa: S101 - tests that others inherit: they assert

import contextlib
import json
import os
import select
import signal
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from refold.actors.runner.client import (
    Runner,
    RunnerClient,
    RunnerLost,
    RunnerRefused,
    RunnerSpec,
    connect,
    launch,
)
from refold.actors.runtimes.runtime import Runtime
from refold.eventlog.actions import Action, Run
from refold.eventlog.observations import Observation, OutcomeUnknown, RunOutput

PATIENCE_S = 30.0


class Place(Protocol):
    """One session's world: where a runner lives, dies and leaves traces."""

    def launch(self, *, epoch: int, incarnation: str) -> Runner: ...

    def connect(self, *, epoch: int) -> Runner | None: ...

    def lose(self) -> None:
        """Kill the runner, as a machine would; return when it is gone."""
        ...

    def leave_trace(self, key: str) -> Action:
        """Return an action that leaves one countable trace each time it is carried out."""
        ...

    def traces(self, key: str) -> int: ...


class RealPlace:
    """A `Place` for real runners in a sandbox, under a temporary folder; with shorthands for tests."""

    def __init__(self, base: Path, sandbox: str) -> None:
        self.base = base
        self.workspace = base / "workspace"
        self.workspace.mkdir()
        self.directory = base / "home" / "runner"
        self.spec = RunnerSpec(
            session="s",
            directory=self.directory,
            workspace=self.workspace,
            sandbox=sandbox,
            epoch=1,
            incarnation="first",
            hidden=(base / "home",),
        )
        self._keys = count()
        self._epoch = 0
        self.client: RunnerClient | None = None

    def launch(
        self,
        *,
        epoch: int = 1,
        incarnation: str = "first",
        **changes: Any,  # noqa: ANN401 - the fields of a `RunnerSpec`
    ) -> RunnerClient:
        """Launch a runner; `changes` are fields of its `RunnerSpec`, kept for later launches."""
        self.spec = msgspec.structs.replace(self.spec, epoch=epoch, incarnation=incarnation, **changes)
        self._epoch = max(self._epoch, epoch)
        self.client = launch(self.spec)
        return self.client

    def connect(self, *, epoch: int) -> RunnerClient | None:
        self._epoch = max(self._epoch, epoch)
        found = connect(self.directory, epoch, hung_after_s=self.spec.settings.hung_after_s)
        self.client = found or self.client
        return found

    def lose(self) -> None:
        assert self.client is not None
        keeper = os.pidfd_open(self.client.pid)
        os.kill(self.client.pid, signal.SIGKILL)
        assert select.select([keeper], [], [], PATIENCE_S)[0]
        os.close(keeper)

    def leave_trace(self, key: str) -> Action:
        return Run(command=f"echo {key} >> traces-{key}")

    def traces(self, key: str) -> int:
        file = self.workspace / f"traces-{key}"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def do(self, action: Action, *, runner: Runner | None = None) -> Observation:
        """Carry out an action under a key of its own."""
        key = f"key-{next(self._keys)}"
        return (runner or self.client or self.launch()).execute(key, "digest", action)

    def run(self, command: str, *, is_input: bool = False, timeout: float | None = None) -> RunOutput:
        observation = self.do(Run(command=command, is_input=is_input, timeout=timeout))
        assert isinstance(observation, RunOutput), observation
        return observation

    def end(self) -> None:
        with contextlib.suppress(RunnerRefused):
            last, hung_after_s = self._epoch + 1, self.spec.settings.hung_after_s
            if (runner := connect(self.directory, last, hung_after_s=hung_after_s)) is not None:
                runner.end()
        if self.client is not None:
            self.client.close()


class RuntimePlace:
    """A `Place` for a runtime: whatever finds and launches runners.

    `spec` is what it is told, `kept` the folder in which the keeper has its `runner.json`, `workspace` where
    its commands work, both as this machine sees them.
    """

    def __init__(self, runtime: Runtime, spec: RunnerSpec, *, kept: Path, workspace: Path) -> None:
        self.runtime, self.spec, self.kept, self.workspace = runtime, spec, kept, workspace
        self._opened: list[Runner] = []

    def launch(self, *, epoch: int = 1, incarnation: str = "first") -> Runner:
        self.spec = msgspec.structs.replace(self.spec, epoch=epoch, incarnation=incarnation)
        return self._open(self.runtime.launch(self.spec).runner)

    def connect(self, *, epoch: int) -> Runner | None:
        self.spec = msgspec.structs.replace(self.spec, epoch=max(epoch, self.spec.epoch))
        found = self.runtime.find(msgspec.structs.replace(self.spec, epoch=epoch))
        return None if found is None else self._open(found.runner)

    def lose(self) -> None:
        pid = json.loads((self.kept / "runner.json").read_bytes())["pid"]
        keeper = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        assert select.select([keeper], [], [], PATIENCE_S)[0]
        os.close(keeper)

    def leave_trace(self, key: str) -> Action:
        return Run(command=f"echo {key} >> traces-{key}")

    def traces(self, key: str) -> int:
        file = self.workspace / f"traces-{key}"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def end(self) -> None:
        """End whatever serves, and let go of every connection."""
        with contextlib.suppress(RunnerRefused, RunnerLost):
            if (runner := self.connect(epoch=self.spec.epoch + 1)) is not None:
                runner.end()
        self.runtime.clear(self.spec)
        for opened in self._opened:
            opened.close()

    def _open(self, runner: Runner) -> Runner:
        self._opened.append(runner)
        return runner


class RunnerContract:
    """Results are kept, keys are known for ever, and nothing happens twice."""

    def test_a_known_key_never_runs_twice(self, place: Place) -> None:
        runner = place.launch(epoch=1, incarnation="first")
        once = runner.execute("a", "digest", place.leave_trace("a"))
        again = runner.execute("a", "digest", place.leave_trace("a"))
        assert once == again
        runner.acknowledge("a")
        with pytest.raises(RunnerRefused):
            runner.execute("a", "digest", place.leave_trace("a"))
        assert place.traces("a") == 1

    def test_a_known_key_with_another_digest_is_refused(self, place: Place) -> None:
        runner = place.launch(epoch=1, incarnation="first")
        runner.execute("a", "digest", place.leave_trace("a"))
        with pytest.raises(RunnerRefused, match="digest"):
            runner.execute("a", "another", place.leave_trace("a"))
        assert place.traces("a") == 1

    def test_a_key_is_unknown_then_kept_then_acknowledged(self, place: Place) -> None:
        runner = place.launch(epoch=1, incarnation="first")
        assert runner.ask("a") == "unknown"
        observation = runner.execute("a", "digest", place.leave_trace("a"))
        assert runner.ask("a") == observation
        runner.acknowledge("a")
        runner.acknowledge("a")
        assert runner.ask("a") == "acknowledged"

    def test_a_new_connection_finds_the_same_runner_and_its_results(self, place: Place) -> None:
        first = place.launch(epoch=1, incarnation="first")
        observation = first.execute("a", "digest", place.leave_trace("a"))
        first.close()
        second = place.connect(epoch=2)
        assert second is not None
        assert second.incarnation == "first"
        assert second.collect_or_execute("a", "digest", place.leave_trace("a"), "first") == observation
        assert place.traces("a") == 1

    def test_a_younger_epoch_closes_the_older_and_refuses_it_from_then_on(self, place: Place) -> None:
        old = place.launch(epoch=1, incarnation="first")
        young = place.connect(epoch=3)
        assert young is not None
        with pytest.raises(RunnerRefused):
            old.execute("a", "digest", place.leave_trace("a"))
        with pytest.raises(RunnerRefused):
            place.connect(epoch=2)
        with pytest.raises(RunnerRefused):
            old.end()
        assert young.ask("a") == "unknown"
        assert place.traces("a") == 0

    def test_what_the_same_incarnation_does_not_know_never_began_and_is_sent(self, place: Place) -> None:
        place.launch(epoch=1, incarnation="first").close()
        runner = place.connect(epoch=2)
        assert runner is not None
        runner.collect_or_execute("a", "digest", place.leave_trace("a"), "first")
        assert place.traces("a") == 1

    def test_what_another_incarnation_was_told_is_unknown_and_not_sent(self, place: Place) -> None:
        place.launch(epoch=1, incarnation="first")
        place.lose()
        runner = place.launch(epoch=2, incarnation="second")
        observation = runner.collect_or_execute("a", "digest", place.leave_trace("a"), "first")
        assert isinstance(observation, OutcomeUnknown)
        assert place.traces("a") == 0

    def test_an_acknowledged_key_that_is_asked_about_again_is_unknown(self, place: Place) -> None:
        runner = place.launch(epoch=1, incarnation="first")
        runner.execute("a", "digest", place.leave_trace("a"))
        runner.acknowledge("a")
        observation = runner.collect_or_execute("a", "digest", place.leave_trace("a"), "first")
        assert isinstance(observation, OutcomeUnknown)
        assert place.traces("a") == 1

    def test_a_lost_runner_is_told_and_leaves_its_results(self, place: Place) -> None:
        first = place.launch(epoch=1, incarnation="first")
        observation = first.execute("a", "digest", place.leave_trace("a"))
        place.lose()
        with pytest.raises(RunnerLost):
            first.execute("b", "digest", place.leave_trace("b"))
        assert place.connect(epoch=2) is None
        second = place.launch(epoch=2, incarnation="second")
        assert second.incarnation == "second"
        assert second.collect_or_execute("a", "digest", place.leave_trace("a"), "first") == observation
        assert place.traces("a") == 1
        assert place.traces("b") == 0

    def test_who_let_go_of_a_runner_cannot_end_it(self, place: Place) -> None:
        runner = place.launch(epoch=1, incarnation="first")
        runner.close()
        with pytest.raises(RunnerLost):
            runner.end()
        assert place.connect(epoch=2) is not None

    def test_an_ended_runner_is_gone_and_can_be_followed_by_another(self, place: Place) -> None:
        for epoch, incarnation in zip(count(1), ("first", "second"), strict=False):
            runner = place.launch(epoch=epoch, incarnation=incarnation)
            runner.end()
            runner.end()
            with pytest.raises(RunnerLost):
                runner.ask("a")
            assert place.connect(epoch=epoch + 1) is None
