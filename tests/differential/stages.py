"""Where a scene is played: on threads with a real runner, killed at a boundary and resumed, simulated."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, override

from msgspec.structs import replace

from refold.actors.dispatch.stepper import Stepper
from refold.actors.runtime.port import HandsPort
from refold.actors.session.evolve import evolve
from refold.actors.session.state import initial_state
from refold.errors import CommandRefused
from refold.eventlog.record import Record
from refold.eventlog.settings import AgentSettings
from refold.family import rests
from refold.system import System
from refold.testing.minutes import Broken
from refold.testing.sessions import SETTINGS, SessionRun, SessionScenario
from tests.differential.scene import STREAM, Cues, Scene, script

DRIVER = Path(__file__).with_name("doomed.py")
PATIENCE_S = 90.0
OUR_OWN = ("crashes", "goes off early", "jumps")
"""Faults that may change nothing about how a scene comes out."""


class Blunder:
    """Our own code fails at a point, so many times."""

    def __init__(self, label: str, times: int) -> None:
        self._label, self._left = label, times
        self._lock = threading.Lock()

    def strikes(self, label: str) -> bool:
        with self._lock:
            if label != self._label or self._left == 0:
                return False
            self._left -= 1
            return True

    def __call__(self, label: str) -> None:
        if self.strikes(label):
            raise ArithmeticError("a blunder of ours")


def prepare(scene: Scene, folder: Path) -> Path:
    """Write the scene's script and return it."""
    path = folder / "script.jsonl"
    path.write_text(script(scene.lines), encoding="utf-8")
    for name, text in scene.files.items():
        file = folder / "work" / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    for name, lines in scene.helpers.items():
        (folder / f"{name}.jsonl").write_text(script(lines), encoding="utf-8")
    return path


def play(scene: Scene, folder: Path, on_point: Callable[[str], None] | None = None) -> tuple[Record, ...]:
    """Play a scene on threads to its end, or go on with it; return its records."""
    environment = {**os.environ, **scene.secrets}
    with System(folder / "home", environment=environment, on_point=on_point) as system:
        before = tuple(system.log.read(STREAM)) if system.log.head(STREAM) is not None else ()
        if before and scene.is_played(before) and system.state(STREAM).life.closed:
            system.end_runner(STREAM)  # Whoever closed it was killed before it ended the runner.
            return before
        if not before:
            options: dict[str, Any] = {
                "sandbox": "local",
                "model": f"script:{folder / 'script.jsonl'}",
                "secrets": tuple(scene.secrets),
                **scene.options,
            }
            if scene.files:
                options["workspace"] = folder / "work"
            if scene.helpers:
                options["agents"] = agents(scene, lambda name: f"script:{folder / f'{name}.jsonl'}")
            session = system.start("do it", session=STREAM, **options)
        else:
            session = system.resume(STREAM)
        cues, state = Cues(scene), initial_state()
        subscription = system.log.subscribe(stream=STREAM)
        while True:
            records = subscription.take(timeout_s=0.0 if rests(state) and not cues.outstanding else 0.5)
            for record in records:
                cues.records.append(record)
                state = evolve(state, record.event, record.version)
            if (number := cues.next) is not None:
                with suppress(CommandRefused):  # It comes too late after a kill: it goes on without it.
                    system.submit(STREAM, scene.said(number, state, 1))
                cues.acted()
            elif not records and rests(state):
                break
        subscription.close()
        system.let_go(session.name, end_runner=True)
        return tuple(system.log.read(STREAM))


def agents(scene: Scene, model: Callable[[str], str]) -> dict[str, AgentSettings]:
    return {name: AgentSettings(agent="codeact", model=model(name)) for name in scene.helpers}


def play_killed(scene: Scene, folder: Path, label: str, number: int) -> bool:
    """Play it in a process that kills itself at a boundary; False if it was never reached."""
    command = [sys.executable, str(DRIVER), scene.name, str(folder), label, str(number)]
    root = str(DRIVER.parents[2])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


# Simulated ---------------------------------------------------------------------------------------------


class SceneRun(SessionRun):
    """A simulated session whose person acts on the cues of a scene."""

    def __init__(self, scenario: "SceneScenario", stepper: Stepper, seed: int) -> None:
        super().__init__(scenario, stepper, seed)
        self._scene = scenario.scene
        self.world.launches_fail = self._scene.launches_fail
        self.world.secrets = tuple(self._scene.secrets.values())
        self._cues = Cues(self._scene)
        if self._scene.blunder is not None:
            self.root.steps.clumsy = True
            blunder, hands = Blunder(*self._scene.blunder), self.world.hands
            self.world.hands = lambda stream: _Clumsy(hands(stream), blunder)  # type: ignore[method-assign]

    @override
    def look(self) -> None:
        super().look()
        self._follow()
        while (number := self._cues.next) is not None:
            self._cues.acted()
            at = self.stepper.now_ns()
            self.person.say(self._scene.said(number, self.minutes.state, at))

    @override
    def rest(self) -> bool:
        """Leave a session alone that a person has closed: the scene is over."""
        self.look()
        closed = self.minutes.state.life.closed and not self.person.waiting
        return not (closed and self._scene.is_played(self._cues.records)) and super().rest()

    @override
    def end(self) -> None:
        super().end()
        self._follow()
        if not all(fault.startswith(OUR_OWN) for fault in self.stepper.story.struck):
            return  # The world was otherwise than in the scene; every law was kept in it.
        if self._scene.is_played(self._cues.records):
            try:
                self._scene.check(self._cues.records)
            except AssertionError as wrong:
                raise Broken("a_scene_comes_out_as_it_must", f"{self._scene.name}: {wrong}") from wrong

    @override
    def seen(self) -> Sequence[str]:
        return (*super().seen(), *(("played",) if self._scene.is_played(self._cues.records) else ()))

    def _follow(self) -> None:
        known = len(self._cues.records)
        if self.minutes.version >= known:
            self._cues.records.extend(self.disk.inner.read(STREAM, after=known - 1))


class _Clumsy:
    """Hands that are used wrongly: whoever connects has made a mistake of ours."""

    def __init__(self, hands: HandsPort, blunder: Blunder) -> None:
        self._hands, self._blunder = hands, blunder

    def connect(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the port has it
        self._blunder("tell session")
        return self._hands.connect(*given, **named)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - likewise
        return getattr(self._hands, name)


class SceneScenario(SessionScenario, frozen=True, kw_only=True):
    """A scene as a scenario of the simulator: under faults it must come out the same."""

    scene: Scene

    @override
    def run(self, stepper: Stepper, seed: int) -> SceneRun:
        return SceneRun(self, stepper, seed)


def simulated(scene: Scene) -> SceneScenario:
    options = {name: value for name, value in scene.options.items() if name != "sandbox"}
    options["agents"] = agents(scene, lambda name: f"script:{name}")
    return SceneScenario(
        name=scene.name,
        lines=scene.lines,
        scripts={f"script:{name}": lines for name, lines in scene.helpers.items()},
        settings=replace(SETTINGS, **options),
        scene=scene,
        found=tuple(scene.files),
        at_rest={},
    )
