"""Rules 29 (e) and 31: a full window is answered by forgetting, as long as that helps."""

import pytest

from refold.actors.memory.decide import SHRINKS_NO_MORE
from refold.actors.models.fake import Line, says
from refold.eventlog.condensation import CondensationFailed, Condensed
from refold.eventlog.condensers import (
    DEFAULT,
    Condenser,
    NoCondenser,
    ObservationMasking,
    Pipeline,
    Summary,
)
from refold.eventlog.events import (
    AgentStateChanged,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    StuckDetected,
)
from refold.projections.request import Request
from tests.behaviour.forgetful import (
    SMALL,
    WORDS,
    check,
    condensed,
    forget,
    play,
)
from tests.behaviour.scenes import FINISH, RUN, THINK, PrepareAsk, Scene

# Rule 31 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condenser", "takes"),
    [
        (DEFAULT, SMALL),
        (Summary(messages_max=None), SMALL),
        (ObservationMasking(), 24_000),
        (Pipeline(condensers=(NoCondenser(), DEFAULT)), SMALL),
    ],
    ids=["recent", "summary", "masking", "pipeline"],
)
def test_b31_a_full_window_condenses_and_goes_on(condenser: Condenser, takes: int) -> None:
    played = play(condenser, takes=takes)
    assert played.lived.state.agent.state == "finished"
    assert {fact.reason for fact in played.of(Condensed)} == {"context_window"}
    assert len(played.of(ModelFailed)) == len(played.of(Condensed))
    check(played)


def test_b31_what_cannot_shrink_further_is_an_error_that_says_so_and_no_loop() -> None:
    played = play(DEFAULT, takes=100)
    assert played.lived.state.agent.state == "error"
    assert "condensing cannot shrink the conversation further" in played.of(AgentStateChanged)[-1].reason
    assert len(played.of(CondensationFailed)) == 1
    assert len(played.of(ModelAsked)) == 1


def test_b31_a_message_recovers_from_a_window_that_was_full() -> None:
    scene = Scene().running().ask().fail("context_window")
    assert scene.owes(PrepareAsk)
    assert forget(scene, CondensationFailed(reason="nothing is left")).agent == "error"
    assert scene.say().recall().owes(PrepareAsk)
    assert not scene.state.recall.overflowed
    assert scene.step("", FINISH).agent == "finished"


def test_b31_another_model_has_another_window() -> None:
    scene = Scene().running().ask().fail("context_window")
    assert scene.state.recall.overflowed
    assert not scene.change(model="script:larger").state.recall.overflowed


def test_b31_without_a_condenser_a_full_window_is_an_error_at_once() -> None:
    played = play(NoCondenser())
    assert played.lived.state.agent.state == "error"
    assert "context_window" in played.of(AgentStateChanged)[-1].reason
    assert played.of(Condensed) == []


def test_b31_a_pause_at_that_moment_keeps_it_for_later() -> None:
    scene = Scene().running().ask().pause().fail("context_window")
    assert scene.agent == "paused"
    assert scene.owes()
    assert scene.resume().owes(PrepareAsk)
    assert scene.state.recall.overflowed


# Rule 29 (e) ----------------------------------------------------------------------------------------------


def test_b29_e_condensing_that_no_longer_shrinks_the_context_is_being_stuck() -> None:
    scene = Scene().running().ask().fail("context_window")
    forget(scene, condensed(tokens=1000)).ask().fail("context_window")
    forget(scene, condensed(tokens=990))
    assert scene.of(StuckDetected) == [StuckDetected(pattern=SHRINKS_NO_MORE)]
    assert scene.agent == "error"
    assert scene.say().recall().owes(PrepareAsk)


def test_b29_e_condensing_that_still_shrinks_is_not() -> None:
    scene = Scene().running().ask().fail("context_window")
    forget(scene, condensed(tokens=1000)).ask().fail("context_window")
    forget(scene, condensed(tokens=600)).ask()
    assert scene.of(StuckDetected) == []
    assert len(scene.of(Condensed)) == 2


def test_b29_e_an_answer_in_between_is_progress() -> None:
    scene = Scene().running().ask().fail("context_window")
    forget(scene, condensed(tokens=1000)).step("", THINK).ask().fail("context_window")
    forget(scene, condensed(tokens=1000))
    assert scene.of(StuckDetected) == []


def test_b29_e_summaries_of_summaries_come_to_an_end() -> None:
    """The model takes no more whatever is forgotten: it ends after a few condensations, not after 500."""
    lines = [says(f"step {number}", RUN) if number < 12 else _sums_up(number) for number in range(60)]
    played = play(Summary(messages_max=None), lines=lines)
    assert played.lived.state.agent.state == "error"
    assert len(played.of(Condensed)) < 10


def _sums_up(number: int) -> Line:
    def line(request: Request) -> ModelAnswered | ModelFailed:
        if request.tools:
            return ModelFailed(fault="context_window", message="the prompt is too long")
        return says(f"{number} {WORDS * 20}")

    return line
