"""Rules 2, 6, 7, 8, 10 and 12: the steps of a start, played by hand."""

from typing import Any

import pytest

from refold.actors.session.commands import ReportConnection, ReportRelease, ReportStep
from refold.actors.session.due import Release, RunStep, due
from refold.actors.start.steps import HOOKS, SETUP
from refold.eventlog.events import ActionStarted, RuntimeConnected, WarningRaised
from refold.eventlog.starting import (
    RuntimeReleased,
    StartEnded,
    StartStep,
    StartStepEnded,
    StepOutcome,
)
from tests.behaviour.scenes import RUN, Connect, PrepareAsk, Scene

FOUND = (SETUP[1], HOOKS[0])
FULL: dict[str, Any] = {"repository": "https://example.org/r.git", "secrets": ("TOKEN",)}


def end(  # noqa: PLR0913 - a step, and what came of it
    scene: Scene,
    step: StartStep,
    outcome: StepOutcome = "done",
    *,
    detail: str = "",
    found: tuple[str, ...] = (),
    seconds: float = 1.0,
) -> Scene:
    incarnation = scene.state.hands.incarnation if step == "setup" else None
    fact = StartStepEnded(
        step=step, outcome=outcome, detail=detail, found=found, seconds=seconds, incarnation=incarnation
    )
    return scene.do(ReportStep(**scene.id(), fact=fact))


def release(scene: Scene) -> Scene:
    return scene.do(ReportRelease(**scene.id(), fact=RuntimeReleased()))


def owed(scene: Scene) -> list[str]:
    return [effect.step for effect in due(scene.state) if isinstance(effect, RunStep)]


def through(scene: Scene) -> Scene:
    end(scene.connect(), "repository", found=FOUND)
    return end(end(scene, "setup"), "hooks")


def test_b02_the_steps_are_facts_in_their_order() -> None:
    scene = Scene().start("do it", **FULL)
    assert scene.types() == ["SessionStarted", "SessionClaimed", "StartStepEnded"]
    through(scene)
    assert scene.types()[3:] == [
        "RuntimeConnected",
        "StartStepEnded",
        "StartStepEnded",
        "StartStepEnded",
        "StartEnded",
        "SystemMessageAdded",
        "AgentStateChanged",
        "MessageReceived",
    ]
    assert [step.step for step in scene.of(StartStepEnded)] == ["secrets", "repository", "setup", "hooks"]


def test_b02_one_step_is_due_after_the_other() -> None:
    scene = Scene().start("do it", **FULL)
    assert owed(scene) == []
    assert scene.owes(Connect)
    assert owed(scene.connect()) == ["repository"]
    assert owed(end(scene, "repository", found=FOUND)) == ["setup"]
    assert owed(end(scene, "setup")) == ["hooks"]
    assert owed(end(scene, "hooks")) == []


def test_b02_what_nobody_asked_for_is_no_step() -> None:
    scene = Scene().start("do it").connect()
    assert not scene.of(StartStepEnded)
    assert not scene.of(StartEnded)
    assert scene.agent == "running"


def test_b02_names_of_secrets_stand_before_anything_is_launched() -> None:
    scene = Scene().start("do it", secrets=("ONE", "TWO"))
    assert scene.of(StartStepEnded) == [StartStepEnded(step="secrets", detail="ONE, TWO")]


@pytest.mark.parametrize("step", ["repository", "setup"])
def test_b06_a_step_that_fails_ends_the_start_and_what_was_launched_is_closed(step: StartStep) -> None:
    scene = Scene().start("do it", **FULL).connect()
    if step == "setup":
        end(scene, "repository", found=FOUND)
    end(scene, step, "failed", detail="exit code 3: no such package")
    assert scene.agent == "error"
    assert "no such package" in scene.reason()
    assert step in scene.reason()
    assert scene.owes(Release)
    assert release(scene).owes()
    assert scene.state.hands.incarnation is None


def test_b06_a_runner_that_is_to_be_closed_is_closed_by_the_next_driver_too() -> None:
    scene = Scene().start("do it", **FULL).connect()
    end(scene, "repository", "failed", detail="no").claim()
    assert scene.owes(Release)


def test_b06_a_start_that_failed_is_tried_again_once_its_runner_is_gone() -> None:
    scene = Scene().start("do it", **FULL).connect()
    end(scene, "repository", "failed", detail="no").go_on()
    assert scene.agent == "loading"
    assert scene.owes(Release)
    assert release(scene).owes(Connect)
    assert owed(scene.connect("r2")) == ["repository"]


def test_b07_a_hook_that_cannot_be_installed_is_a_warning() -> None:
    scene = Scene().start("do it", **FULL)
    end(end(scene.connect(), "repository", found=FOUND), "setup")
    end(scene, "hooks", "warned", detail="no repository")
    assert scene.of(WarningRaised) == [WarningRaised(text="hooks: no repository")]
    assert scene.agent == "running"


def again(scene: Scene, incarnation: str, *, resumed: bool = False) -> Scene:
    fact = RuntimeConnected(
        incarnation=incarnation,
        sandbox="local",
        epoch=scene.state.life.epoch,
        resumed=resumed,
        found=FOUND,
    )
    return scene.do(ReportConnection(**scene.id(), fact=fact))


def test_b08_a_living_sandbox_is_not_set_up_again() -> None:
    scene = through(Scene().start("do it", **FULL)).recall().claim()
    assert owed(again(scene, "r1", resumed=True)) == []


def test_b08_another_sandbox_is_set_up_before_anything_runs_in_it() -> None:
    scene = through(Scene().start("do it", **FULL)).recall().close().claim()
    again(scene, "r2")
    assert owed(scene) == ["setup"]
    scene.ask().hear("", RUN)
    assert not scene.of(ActionStarted)
    end(scene, "setup")
    assert len(scene.of(ActionStarted)) == 1


def test_b08_a_result_of_another_sandbox_is_none_of_this_one() -> None:
    scene = through(Scene().start("do it", **FULL)).recall().close().claim()
    again(scene, "r2")
    late = StartStepEnded(step="setup", incarnation="r1")
    scene.do(ReportStep(**scene.id(), fact=late))
    assert scene.last == ()
    assert owed(scene) == ["setup"]


def test_b10_a_start_says_how_long_each_step_took_and_what_was_there() -> None:
    scene = Scene().start("do it", **FULL).connect()
    end(scene.claim(), "repository")
    again(scene, "r1", resumed=True)
    end(scene, "repository", found=FOUND, seconds=2.0)
    end(end(scene, "setup", seconds=3.0), "hooks", seconds=0.5)
    (ended,) = scene.of(StartEnded)
    assert ended.steps == {"secrets": 0.0, "runtime": 0.0, "repository": 2.0, "setup": 3.0, "hooks": 0.5}
    assert ended.seconds == 5.5
    assert ended.restored == ("runner",)


def test_b12_a_start_that_was_closed_goes_on_where_it_was_when_it_is_taken_up() -> None:
    scene = Scene().start("do it", **FULL).connect()
    assert end(scene, "repository", found=FOUND).close().owes()
    scene.claim()
    again(scene, "r2")
    assert owed(scene) == ["setup"]
    end(end(scene, "setup"), "hooks")
    assert scene.recall().owes(PrepareAsk)
