"""What the replaced system got wrong comes out right: on threads, killed at any commit, and in simulation.

`REFOLD_BOUNDARIES` sets how many boundaries of each scene kill its driver: a sample by default, `all` before
a release. `REFOLD_SEEDS` sets how many seeds each scene is simulated with.
"""

import os
import random
from pathlib import Path

import pytest

from refold.actors.session.verify import verify
from refold.errors import SecretUnusable
from refold.home import Home
from refold.look import reading
from refold.system import System
from refold.testing import simulate
from tests.differential.scene import STREAM
from tests.differential.scenes import SCENES
from tests.differential.stages import Blunder, play, play_killed, prepare, simulated

BUDGET = os.environ.get("REFOLD_BOUNDARIES", "2")
SEEDS = int(os.environ.get("REFOLD_SEEDS", "40"))
COMMITS = 16
"""At least as many as any scene has; a boundary that is never reached kills nobody."""
POINTS = ("before append", "after append", "before publish")


def boundaries() -> list[tuple[str, str, int]]:
    every = [(name, label, number) for name in SCENES for label in POINTS for number in range(1, COMMITS + 1)]
    if BUDGET == "all":
        return every
    chance = random.Random(11)  # noqa: S311 - repeatable on purpose
    return [
        boundary
        for name in SCENES
        for boundary in chance.sample([each for each in every if each[0] == name], int(BUDGET))
    ]


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_comes_out_right_on_threads(tmp_path: Path, name: str) -> None:
    scene = SCENES[name]
    prepare(scene, tmp_path)
    records = play(scene, tmp_path, None if scene.blunder is None else Blunder(*scene.blunder))
    assert scene.is_played(records)
    scene.check(records)
    verified(tmp_path)


@pytest.mark.parametrize(("name", "label", "number"), boundaries())
def test_a_scene_comes_out_right_when_its_driver_is_killed_at_a_commit(
    tmp_path: Path, name: str, label: str, number: int
) -> None:
    scene = SCENES[name]
    prepare(scene, tmp_path)
    if play_killed(scene, tmp_path, label, number):
        records = play(scene, tmp_path)
    else:
        with reading(Home(tmp_path / "home")) as log:
            records = tuple(log.read(STREAM))
    if scene.is_played(records):
        scene.check(records)
    verified(tmp_path)


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_comes_out_right_in_simulation(name: str) -> None:
    scenario = simulated(SCENES[name])
    played = 0
    for seed in range(SEEDS):
        found = simulate(scenario, seed=seed)
        assert found.failure is None, found.story
        played += "played" in found.seen
    assert played


@pytest.mark.parametrize("value", ["", "   ", "abc"])
def test_an_empty_or_short_secret_is_refused_before_anything_is_recorded(tmp_path: Path, value: str) -> None:
    """The replaced system masked with an empty text, or dropped the secret without a word."""
    script = prepare(SCENES["a message during an action"], tmp_path)
    with System(tmp_path / "home", environment={**os.environ, "MY_TOKEN": value}) as system:
        with pytest.raises(SecretUnusable, match="MY_TOKEN"):
            system.start(
                "go", session=STREAM, model=f"script:{script}", sandbox="local", secrets=("MY_TOKEN",)
            )
        assert system.log.head(STREAM) is None


def verified(folder: Path) -> None:
    with reading(Home(folder / "home")) as log:
        verdict = verify(log, STREAM)
        assert verdict.ok, verdict
