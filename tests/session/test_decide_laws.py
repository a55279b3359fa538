"""Laws of the deciders, held over long random walks: whatever is commanded, whenever.

`Scene.do` checks after every command that each action has at most one observation, that every change of
state is in the table, that something is due exactly while the session does not rest, and that no outcome
counts twice.
"""

import os
import random
from collections.abc import Callable

import msgspec
import pytest

from refold.actors.controller.transitions import RESTING
from refold.actors.session.commands import from_given, to_given
from refold.actors.session.decide import decide
from refold.actors.session.due import due
from refold.actors.session.evolve import evolve
from refold.actors.session.refused import Refused
from refold.actors.session.state import State, initial_state
from refold.eventlog.actions import Message, Other, Run
from refold.eventlog.events import ModelAsked
from tests.behaviour.scenes import EDIT, FINISH, NO_TOOL, RUN, THINK, Connect, PrepareAsk, Scene

SEEDS = int(os.environ.get("REFOLD_SEEDS", "40"))
STEPS = 60


def _interferences(scene: Scene, chance: random.Random) -> list[Callable[[], object]]:
    """Return everything that people and failures could do to a session here, sensible or not."""
    moves: list[Callable[[], object]] = [
        scene.say, scene.pause, scene.resume, scene.resume, scene.stop, scene.claim, scene.close, scene.go_on,
        scene.connect, scene.unconnected, scene.fire, scene.reject,
        lambda: scene.change(confirm=chance.choice(("never", "always"))),
        lambda: scene.change(iterations_max=chance.randrange(1, 6)),
        lambda: scene.change(model=chance.choice(("script:s", "script:t"))),
        lambda: scene.go_on(iterations=2, budget_usd=1.0),
    ]  # fmt: skip
    if scene.state.hands.incarnation is not None:
        moves.append(scene.lose)
    if scene.of(ModelAsked):
        version = chance.randrange(len(scene.session.events))
        moves.append(lambda: scene.hear("late", RUN, ask=version) if _is_over(scene, version) else None)
    return moves


def _outcomes(scene: Scene, chance: random.Random) -> list[Callable[[], object]]:
    """Return what the world could answer to what is due, and a person to what waits for one."""
    state = scene.state
    calls = [chance.choice((RUN, EDIT, THINK, FINISH, NO_TOOL)) for _ in range(chance.randrange(4))]
    moves: list[Callable[[], object]] = []
    if any(isinstance(effect, PrepareAsk) for effect in due(state)):
        moves.append(lambda: scene.ask(chance.choice((None, 0.1))))
    if any(isinstance(effect, Connect) for effect in due(state)):
        moves.append(lambda: scene.connect(chance.choice(("r1", "r2"))))
    if state.recall.waiting:
        moves.append(scene.recall)
    if state.agent.ask is not None:
        moves += [lambda: scene.hear("so", *calls, cost=chance.choice((0.0, 0.1)))] * 3
        moves.append(lambda: scene.fail(chance.choice(("rate_limit", "overloaded", "authentication"))))
    if state.hands.started is not None:
        moves.append(scene.observe)
    if scene.agent == "rate_limited":
        moves.append(scene.fire)
    if scene.agent == "awaiting_user_confirmation":
        moves += [scene.confirm, scene.reject]
    if state.life.closed:
        moves.append(scene.claim)
    if state.agent.reenactment is not None and not state.agent.reenactment.ended:
        cursor = state.agent.reenactment.cursor + 1
        recorded = chance.choice((Run(command="ls"), Message(content="hi"), Other(name="odd")))
        moves += [lambda: scene.reenact(cursor, action=recorded)] * 4
        moves += [lambda: scene.reenact(cursor, message="hi"), lambda: scene.end_recording(cursor)]
    return moves


def _moves(scene: Scene, chance: random.Random) -> list[Callable[[], object]]:
    outcomes = _outcomes(scene, chance)
    return outcomes if outcomes and chance.random() < 0.75 else _interferences(scene, chance)


def _is_over(scene: Scene, version: int) -> bool:
    ask = scene.state.agent.ask
    return isinstance(scene.session.events[version], ModelAsked) and (ask is None or ask.version != version)


def walk(seed: int) -> Scene:
    chance = random.Random(seed)  # noqa: S311 - a schedule, not a secret
    scene = Scene().start(
        chance.choice(("do it", None)),
        reenacts=chance.choice((None, None, "r")),
        confirm=chance.choice(("never", "always")),
        model=chance.choice(("script:s", "script:s", None)),
        iterations_max=chance.choice((3, 500)),
        budget_usd=chance.choice((None, 0.5)),
    )
    for _ in range(STEPS):
        try:
            chance.choice(_moves(scene, chance))()
        except Refused as refusal:
            assert str(refusal)  # noqa: PT017 - a refusal says why
        except AssertionError as wrong:
            if "was refused" not in str(wrong):
                raise
    return scene


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_laws_hold_on_every_walk(seed: int) -> None:
    scene = walk(seed)
    again = initial_state()
    for version, event in enumerate(scene.session.events):
        again = evolve(again, event, version)
    assert again == scene.state
    _is_bounded(scene.state)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_from_every_place_of_a_walk_the_world_brings_the_session_to_rest(seed: int) -> None:
    scene = walk(seed)
    if scene.state.life.closed:
        scene.claim()
    chance = random.Random(seed)  # noqa: S311
    for _ in range(100):
        if scene.owes():
            break
        state = scene.state
        if state.agent.ask is not None:
            scene.hear("", FINISH)
        elif state.hands.incarnation is None and (
            state.hands.started or scene.agent in {"loading", "running"}
        ):
            scene.connect(f"new{chance.random()}")
        elif state.hands.started is not None:
            scene.observe()
        elif state.recall.waiting and scene.agent not in RESTING:
            scene.recall()
        elif scene.agent == "rate_limited":
            scene.fire()
        elif state.agent.reenacting and state.agent.reenactment is not None:
            scene.end_recording(state.agent.reenactment.cursor + 1)
        else:
            scene.ask()
    assert scene.owes(), due(scene.state)


@pytest.mark.parametrize("seed", range(0, SEEDS, 4))
def test_a_command_as_the_log_keeps_it_decides_the_same_again(seed: int) -> None:
    commands: list[tuple[State, object, tuple[object, ...]]] = []
    scene = Scene()
    do = scene.do

    def note(command: object) -> Scene:
        before = scene.state
        do(command)  # type: ignore[arg-type]
        commands.append((before, command, scene.last))
        return scene

    scene.do = note  # type: ignore[method-assign]
    chance = random.Random(seed)  # noqa: S311
    scene.start(reenacts=chance.choice((None, "r")))
    for _ in range(STEPS):
        try:
            chance.choice(_moves(scene, chance))()
        except AssertionError as wrong:
            if "was refused" not in str(wrong):
                raise
    for before, command, events in commands:
        if events:
            kept = to_given(command, events[0])  # type: ignore[arg-type]
            stored = msgspec.msgpack.decode(msgspec.msgpack.encode(kept), type=type(kept))
            assert decide(before, from_given(stored, events[0])) == events  # type: ignore[arg-type]


def _is_bounded(state: State) -> None:
    """Check that what deciders know does not grow with the session."""
    assert len(state.agent.turns) <= 8
    assert len(state.hands.open) <= 4
    assert len(msgspec.msgpack.encode(state)) < 8_000
