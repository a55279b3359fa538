"""Runtimes by name: ours, a user's own by its path, and what is told where there is none."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from refold.actors.runner.hands import RunnerHands
from refold.actors.runner.runner import RunnerSpec
from refold.actors.runtimes.registry import RuntimeUnknown, names, runtime
from refold.errors import WrongUsage
from refold.eventlog.actions import Run
from refold.eventlog.events import AgentStateChanged, RuntimeConnected, RuntimeFailed, SessionStarted
from refold.eventlog.runtime_settings import Limits, Mount, RuntimeSettings
from refold.eventlog.settings import Settings
from refold.system import System
from refold.testing.runner_contract import RunnerContract, RuntimePlace
from tests.architecture.source import ROOT

OWN = "my_runtimes:Niced"


@pytest.fixture(autouse=True)
def my_runtimes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the example of the documents importable, as a user's module."""
    page = (ROOT / "docs" / "runtimes.md").read_text()
    (tmp_path / "my_runtimes.py").write_text(
        re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield
    sys.modules.pop("my_runtimes", None)


class TestTheExampleOfTheDocuments(RunnerContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[RuntimePlace]:
        spec = RunnerSpec(
            session="s",
            directory=tmp_path / "runner",
            workspace=tmp_path,
            sandbox=OWN,
            epoch=1,
            incarnation="first",
        )
        place = RuntimePlace(runtime(OWN), spec, kept=tmp_path / "runner", workspace=tmp_path)
        yield place
        place.end()

    def test_its_commands_are_patient(self, place: RuntimePlace) -> None:
        assert place.launch().execute("a", "digest", Run(command="nice")).content == str(
            min(os.nice(0) + 19, 19)
        )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("moon", "there is no sandbox 'moon'; there are bubblewrap, docker, local, remote"),
        ("no_such_module:Name", "cannot be loaded: ModuleNotFoundError"),
        ("my_runtimes:Missing", "cannot be loaded: AttributeError"),
        ("my_runtimes:Patient", "is no runtime: it lacks find, launch, is_alive, clear"),
        ("my_runtimes:", "there is no sandbox"),
    ],
)
def test_b6_an_unknown_runtime_is_refused_with_the_known_ones_and_nothing_is_recorded(
    tmp_path: Path, name: str, why: str
) -> None:
    with pytest.raises(RuntimeUnknown, match=re.escape(why)):
        runtime(name)
    with System(tmp_path / "home") as system:
        with pytest.raises(WrongUsage, match=re.escape(why)):
            system.start("go", session="s", model="script:x", sandbox=name)
        assert system.log.head("s") is None


def test_b6_a_recorded_runtime_that_is_gone_is_an_error_that_says_so(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text("")
    with System(tmp_path / "home") as system:
        settings = Settings(model=f"script:{script}", workspace=str(tmp_path), sandbox="gone_module:Gone")
        system.edges.check_runtime = lambda *_: None  # type: ignore[method-assign] # it was there then
        session = system.launch("s", SessionStarted(settings=settings, task="go"))
        state = session.wait(timeout=60)
        assert state.agent.state == "error"
        events = [record.event for record in system.log.read("s")]
    (failed,) = [event for event in events if isinstance(event, RuntimeFailed)]
    assert "gone_module" in failed.reason
    assert "bubblewrap, docker, local, remote" in failed.reason
    last = [event for event in events if isinstance(event, AgentStateChanged)][-1]
    assert (last.state, failed.reason in last.reason) == ("error", True)


@pytest.mark.parametrize(
    ("sandbox", "settings", "why"),
    [
        ("local", RuntimeSettings(offline=True), "cannot keep commands from the network"),
        ("local", RuntimeSettings(mounts=(Mount("/usr", "/data"),)), "cannot mount anything"),
        ("local", RuntimeSettings(limits=Limits(processes=9)), "cannot limit processes"),
        ("local", RuntimeSettings(variables_from=("UNSET_HERE",)), "UNSET_HERE from the environment"),
        ("remote", RuntimeSettings(), "Name its address"),
    ],
)
def test_what_a_runtime_cannot_keep_is_refused_before_anything_is_recorded(
    tmp_path: Path, sandbox: str, settings: RuntimeSettings, why: str
) -> None:
    (tmp_path / "script.jsonl").write_text("")
    with System(tmp_path / "home", environment={}) as system:
        with pytest.raises(WrongUsage, match=why):
            system.start(
                "go",
                session="s",
                model=f"script:{tmp_path / 'script.jsonl'}",
                sandbox=sandbox,
                runtime=settings,
            )
        assert system.log.head("s") is None


def test_variables_reach_commands_by_value_and_by_name(tmp_path: Path) -> None:
    wanted = RuntimeSettings(variables={"GIVEN": "here"}, variables_from=("TAKEN",))
    settings = Settings(model=None, workspace=str(tmp_path), sandbox="local", runtime=wanted)
    hands = RunnerHands("s", tmp_path / "runner", environment={"TAKEN": "from there", "LEFT": "out"})
    try:
        connected = hands.connect(settings, epoch=1, incarnation="first")
        assert isinstance(connected, RuntimeConnected)
        said = hands.execute(
            "a", "digest", Run(command='echo "$GIVEN $TAKEN ${LEFT-unset}"'), started_in="first"
        )
        assert said.content == "here from there unset"
        assert b"from there" not in (tmp_path / "runner" / "settings.json").read_bytes()
        assert hands.is_alive()
    finally:
        RunnerHands("s", tmp_path / "runner").end()
    assert not hands.is_alive()


def test_everybody_has_these() -> None:
    assert names() == ("bubblewrap", "docker", "local", "remote")
