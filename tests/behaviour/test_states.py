"""Rules 13, 20, 24 to 26 and 45: states, pausing, stopping, closing."""

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest

from refold.actors.controller.transitions import ENDED, RESTING, TRANSITIONS, allowed
from refold.actors.session.commands import PauseAgent, SendMessage, StopAgent
from refold.eventlog.events import (
    ActionStarted,
    AgentState,
    AgentStateChanged,
    AskAbandoned,
    LateAnswerRecorded,
    MessageReceived,
    ModelAsked,
    ObservationRecorded,
    SystemMessageAdded,
)
from refold.eventlog.observations import Cancelled
from tests.behaviour.scenes import (
    AT,
    EDIT,
    FINISH,
    RUN,
    Connect,
    Execute,
    PrepareAsk,
    Scene,
    rate_limited,
)

STATES: tuple[AgentState, ...] = get_args(AgentState.__value__)


PLACES: dict[str, Callable[[], Scene]] = {
    "loading": lambda: Scene().start(),
    "loading, connected without a greeting": lambda: Scene().start().pause().connect().resume(),
    "recalling": lambda: Scene().start().connect(),
    "to ask": lambda: Scene().running(),
    "asking": lambda: Scene().running().ask(),
    "acting": lambda: Scene().acting(RUN, EDIT),
    "awaiting input": lambda: Scene().running().step("what?"),
    "awaiting input without a task": lambda: Scene().start(task=None).connect(),
    "awaiting confirmation": lambda: Scene().running(confirm="always").step("", RUN, EDIT),
    "paused while loading": lambda: Scene().start().pause(),
    "paused before an ask": lambda: Scene().running().pause(),
    "paused while asking": lambda: Scene().running().ask().pause(),
    "paused while acting": lambda: Scene().acting(RUN, EDIT).pause(),
    "paused while awaiting confirmation": lambda: Scene().running(confirm="always").step("", RUN).pause(),
    "paused while rate limited": lambda: rate_limited().pause(),
    "rate limited": rate_limited,
    "stopped": lambda: Scene().acting(RUN).stop(),
    "stopped while loading": lambda: Scene().start().stop(),
    "finished": lambda: Scene().running().step("", FINISH),
    "error": lambda: Scene().running().ask().fail("authentication"),
    "error while loading": lambda: Scene().start().unconnected(),
    "re-enacting": lambda: Scene().start(task=None, model=None, reenacts="r").connect(),
}
places = pytest.mark.parametrize("place", PLACES)


def carry_on(scene: Scene) -> Scene:
    """Have the world do whatever is due, until the session rests; the model only ever finishes."""
    for number in range(60):
        if scene.owes():
            return scene
        state = scene.state
        if scene.state.recall.waiting and scene.agent not in RESTING:
            scene.recall()
        elif state.agent.ask is not None:
            scene.hear("", FINISH)
        elif state.hands.incarnation is None and (
            state.hands.started or scene.agent in {"loading", "running"}
        ):
            scene.connect(f"new{number}")
        elif state.hands.started is not None:
            scene.observe()
        elif scene.agent == "rate_limited":
            scene.fire()
        elif state.agent.reenacting:
            scene.end_recording(1)
        else:
            scene.ask()
    raise AssertionError(f"no rest: {scene.types()[-20:]}")


@places
def test_b24_from_everywhere_the_world_alone_brings_the_session_to_rest(place: str) -> None:
    assert carry_on(PLACES[place]()).agent in RESTING


def test_b24_the_table_names_every_state_and_only_these() -> None:
    assert set(TRANSITIONS) == set(STATES)
    assert {after for targets in TRANSITIONS.values() for after in targets} <= set(STATES)


@pytest.mark.parametrize("before", STATES)
def test_b24_every_state_can_be_left_and_none_leads_to_itself(before: AgentState) -> None:
    assert TRANSITIONS[before]
    assert not allowed(before, before)


def test_b24_an_end_is_left_only_to_go_on_or_to_another_end() -> None:
    for state in ENDED:
        assert TRANSITIONS[state].keys() <= {"loading", "running", "error", "stopped"}


@pytest.mark.parametrize("state", ["init", "user_confirmed", "asleep", ""])
def test_b24_an_unknown_state_name_is_refused_at_decoding(state: str) -> None:
    stored = msgspec.json.encode({"type": "AgentStateChanged", "state": state})
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value"):
        msgspec.json.decode(stored, type=AgentStateChanged)


def test_b24_what_the_table_does_not_hold_is_refused() -> None:
    scene = Scene().running().step("", FINISH)
    scene.refuses(PauseAgent(id="x", at=AT), "cannot pause: the agent is finished")
    scene.refuses(StopAgent(id="y", at=AT), "cannot stop: the agent is finished")


@places
def test_b25_a_pause_stops_before_the_next_step_and_resume_never_leaves_it_idle(place: str) -> None:
    scene = PLACES[place]()
    if scene.agent != "paused":
        if not allowed(scene.agent, "paused"):
            scene.refuses(PauseAgent(id="x", at=AT), "cannot pause")
            return
        scene.pause()
    steps = len(scene.of(ModelAsked))
    started = len(scene.of(ActionStarted))
    if scene.state.agent.ask is not None:
        scene.hear("", RUN)
    while scene.state.hands.started is not None:
        if scene.state.hands.incarnation is None:
            scene.connect("again")
        scene.observe()
    assert scene.agent == "paused"
    assert scene.owes()
    assert len(scene.of(ModelAsked)) == steps
    assert len(scene.of(ActionStarted)) == started
    scene.resume()
    assert scene.agent != "paused"
    assert carry_on(scene).agent in RESTING


def test_b25_a_pause_while_loading_goes_on_loading() -> None:
    scene = Scene().start().pause().connect()
    assert scene.agent == "paused"
    assert scene.of(SystemMessageAdded) == []
    scene.resume()
    assert scene.types()[-4:] == [
        "AgentStateChanged",
        "SystemMessageAdded",
        "AgentStateChanged",
        "MessageReceived",
    ]


def test_b25_a_launch_that_failed_during_a_pause_is_tried_again() -> None:
    scene = Scene().start().pause().unconnected().resume()
    assert scene.owes(Connect)


def test_b25_resume_with_nothing_to_do_awaits_input() -> None:
    scene = Scene().running().ask().pause().hear("what now?")
    assert scene.agent == "paused"
    assert scene.resume().agent == "awaiting_user_input"


def test_b25_an_answer_during_a_pause_starts_nothing() -> None:
    scene = Scene().running().ask().pause().hear("", RUN)
    assert scene.of(ActionStarted) == []
    assert scene.resume().owes(Execute)


def test_b25_a_finish_during_a_pause_finishes_on_resume_unless_the_user_wrote() -> None:
    assert Scene().running().ask().pause().hear("", FINISH).resume().agent == "finished"
    scene = Scene().running().ask().pause().hear("", FINISH).say().resume()
    assert scene.recall().owes(PrepareAsk)


def test_b25_a_failed_call_during_a_pause_is_tried_again_on_resume() -> None:
    scene = Scene().running().ask().pause().fail()
    assert scene.agent == "paused"
    assert scene.resume().owes(PrepareAsk)
    assert scene.ask().of(ModelAsked)[-1].attempt == 2


@places
def test_b26_stop_answers_everything_and_ends_the_loop_at_once(place: str) -> None:
    scene = PLACES[place]()
    if scene.agent in {"finished", "rejected"}:
        scene.refuses(StopAgent(id="x", at=AT), "cannot stop")
        return
    ask, opened = scene.state.agent.ask, scene.open
    scene.stop()
    assert scene.agent == "stopped"
    assert scene.owes()
    for action in opened:
        (answer,) = scene.answers(action.version)
        assert isinstance(answer, Cancelled)
        assert "stopped by the user" in answer.content
        scene.observe(action.version)
        assert scene.types()[-1] == "LateResultRecorded"
    if ask is not None:
        scene.hear("", RUN, ask=ask.version)
        assert isinstance(scene.last[-1], LateAnswerRecorded)
    assert scene.agent == "stopped"
    assert scene.owes()


@places
def test_b20_a_message_in_every_state_is_recorded_heard_and_leads_to_rest(place: str) -> None:
    scene = PLACES[place]()
    was_paused = scene.agent == "paused"
    scene.say("also this")
    assert any(isinstance(e, MessageReceived) and e.content == "also this" for e in scene.last)
    assert (scene.agent == "paused") == was_paused
    if was_paused:
        scene.resume()
    if scene.state.agent.reenacting:
        return
    version = next(v for v, e in enumerate(scene.session.events) if e == MessageReceived(content="also this"))
    scene = carry_on(scene)
    if scene.agent == "awaiting_user_confirmation":
        scene.confirm()
        carry_on(scene)
    asked = [v for v, event in enumerate(scene.session.events) if isinstance(event, ModelAsked)]
    assert any(ask > version for ask in asked), "the model was never shown the message"
    assert scene.agent in {"finished", "awaiting_user_input"}


@places
def test_b13_close_in_every_state_keeps_it_resumable(place: str) -> None:
    scene = PLACES[place]()
    before = scene.agent
    scene.close()
    assert scene.owes()
    assert scene.agent == before
    scene.refuses(SendMessage(id="x", at=AT, fact=MessageReceived(content="hi")), "closed")
    scene.claim()
    assert scene.agent == before
    assert carry_on(scene).agent in RESTING


@places
def test_b45_what_waited_waits_and_what_ran_runs_on_in_every_state(place: str) -> None:
    scene = PLACES[place]()
    before, waited = scene.agent, scene.agent in RESTING
    system = len(scene.of(SystemMessageAdded))
    scene.claim()
    assert scene.agent == before
    if waited:
        assert not {type(event) for event in scene.last} & {AgentStateChanged, MessageReceived}
    assert len(scene.of(SystemMessageAdded)) == system
    assert carry_on(scene).agent in RESTING


def test_b26_stop_gives_an_open_ask_up() -> None:
    scene = Scene().running().ask(0.5).stop()
    assert len(scene.of(AskAbandoned)) == 1
    assert scene.state.agent.cost_usd == 0.5


def test_b26_after_a_stop_a_message_goes_on() -> None:
    scene = Scene().acting(RUN, EDIT).stop().say().recall()
    assert scene.owes(PrepareAsk)
    assert len(scene.of(ObservationRecorded)) == 2
