"""Rules 40 and 41: what is forgotten when a conversation grows too long, and what never is."""

from functools import cache

import pytest

from refold.actors.dispatch.choices import Victim
from refold.actors.models.fake import Line
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.condensers import (
    DEFAULT,
    Condenser,
    ObservationMasking,
    Pipeline,
    RecentWindow,
    Summary,
)
from refold.eventlog.events import (
    ModelAnswered,
    ModelAsked,
    ModelFailed,
)
from refold.projections.request import Request
from refold.projections.usage import usage
from tests.behaviour.forgetful import (
    STEPS,
    WORDS,
    ask_aside,
    asked_to_condense,
    check,
    forget,
    play,
    worker,
)
from tests.behaviour.scenes import PrepareAsk, Scene

# Rule 40 --------------------------------------------------------------------------------------------------


def test_b40_the_system_comes_first_and_the_task_second_whatever_is_forgotten() -> None:
    played = play(RecentWindow(messages_max=8))
    assert len(played.of(Condensed)) > 2
    for request in played.steps:
        assert request.messages[0]["role"] == "system"
        assert request.messages[1]["content"] == "do it"
    check(played)


def test_b40_what_is_forgotten_leaves_a_note_and_stays_in_the_log() -> None:
    played = play(RecentWindow(messages_max=8))
    last = played.steps[-1]
    notes = [message["content"] for message in last.messages if "no longer shown" in message["content"]]
    assert len(notes) == 1
    assert len(played.of(ModelAnswered)) == STEPS
    assert sum(record.type == "ObservationRecorded" for record in played.records) == STEPS


# Rule 41 --------------------------------------------------------------------------------------------------


def test_b41_a_recent_window_keeps_the_first_and_the_last() -> None:
    played = play(RecentWindow(messages_max=12, keep_first=2))
    fact = played.of(Condensed)[0]
    assert (fact.condenser, fact.reason, fact.summary) == ("recent", "size", "")
    after = next(
        request
        for request in played.steps
        if any("no longer shown" in message["content"] for message in request.messages)
    )
    assert [message["role"] for message in after.messages[:5]] == [
        "system",
        "user",
        "user",
        "assistant",
        "tool",
    ]
    assert len(after.messages) <= 12 // 2 + 2
    assert after.messages[-1]["role"] == "tool"
    check(played)


def test_b41_a_summary_is_written_by_its_own_model_and_stands_where_the_rest_was() -> None:
    played = play(Summary(messages_max=12, model="script:small"))
    asked = [fact for fact in played.of(ModelAsked) if fact.purpose == "condense"]
    assert {fact.model for fact in asked} == {"script:small"}
    assert len(asked) == len(played.of(CondensationAsked)) == len(played.of(Condensed)) > 1
    summaries = [fact.summary for fact in played.of(Condensed)]
    assert summaries[0] == "In short: 0."
    assert any(summaries[-1] in message["content"] for message in played.steps[-1].messages)
    question = next(request for request in played.world.scripted.requests if request.model == "script:small")
    assert question.tools == ()
    assert "do it" in question.messages[1]["content"]
    assert WORDS[:200] in question.messages[1]["content"]
    check(played)


def test_b41_masking_leaves_out_the_results_of_old_actions_and_nothing_else() -> None:
    played = play(ObservationMasking(window=4), takes=1_000_000)
    assert played.of(Condensed)[0].masked
    results = [message["content"] for message in played.steps[-1].messages if message["role"] == "tool"]
    left_out = [text for text in results if "is no longer shown" in text]
    assert 4 <= len(results) - len(left_out) <= 7
    assert "a result of" in left_out[0]
    assert len(played.steps[-1].messages) == 2 * STEPS + 1
    check(played)


def test_b41_in_a_pipeline_the_first_that_finds_something_does_it() -> None:
    pipeline = Pipeline(condensers=(ObservationMasking(window=4), RecentWindow(messages_max=20)))
    played = play(pipeline, takes=1_000_000)
    assert {fact.condenser for fact in played.of(Condensed)} == {"masking", "recent"}
    check(played)


def test_b41_forgetting_nothing_costs_nothing() -> None:
    played = play(DEFAULT, takes=1_000_000)
    assert played.of(Condensed) == []
    assert len(played.of(ModelAsked)) == STEPS


def test_b41_a_condensation_counts_as_an_iteration_and_its_model_in_the_budget() -> None:
    played = play(Summary(messages_max=12, model="script:small"))
    spent = usage(played.records)
    assert played.lived.state.agent.iterations == STEPS + len(played.of(Condensed)) == spent.iterations
    scene = Scene().running(condenser=Summary(), budget_usd=1.0)
    forget(scene, asked_to_condense())
    assert scene.state.agent.iterations == 1
    ask_aside(scene).hear("short", cost=2.0)
    assert len(scene.of(Condensed)) == 1
    assert scene.agent == "error"
    assert "budget" in scene.reason()


def test_b41_a_spent_budget_asks_for_no_summary() -> None:
    scene = Scene().running(condenser=Summary(), budget_usd=1.0)
    forget(scene, asked_to_condense())
    ask_aside(scene, cost=1.0).claim()
    assert scene.agent == "error"
    assert "budget" in scene.reason()


def test_b41_a_summary_that_fails_for_a_while_is_asked_for_again() -> None:
    scene = Scene().running(condenser=Summary())
    forget(scene, asked_to_condense())
    ask_aside(scene).fail("rate_limit")
    assert scene.agent == "rate_limited"
    ask_aside(scene.fire()).hear("In short.")
    assert [fact.summary for fact in scene.of(Condensed)] == ["In short."]
    assert scene.owes(PrepareAsk)


def test_b41_a_summary_that_cannot_be_had_is_an_error_and_forgets_nothing() -> None:
    scene = Scene().running(condenser=Summary())
    forget(scene, asked_to_condense())
    ask_aside(scene).fail("authentication")
    assert scene.agent == "error"
    assert "the model that was to sum up failed (authentication)" in scene.reason()
    assert scene.of(Condensed) == []
    assert len(scene.of(CondensationFailed)) == 1
    assert scene.go_on().owes(PrepareAsk)


def test_b41_what_is_too_much_to_sum_up_is_cut_to_half_and_asked_again() -> None:
    def narrow(number: int) -> Line:
        plain = worker(number, 1_000_000)

        def line(request: Request) -> ModelAnswered | ModelFailed:
            if request.model == "script:small" and request.characters > 3_500:
                return ModelFailed(fault="context_window", message="too long")
            return plain(request) if callable(plain) else plain

        return line

    played = play(
        Summary(messages_max=12, model="script:small"), lines=[narrow(number) for number in range(STEPS)]
    )
    assert played.lived.state.agent.state == "finished"
    assert len(played.of(ModelFailed)) > 0
    check(played)


def test_b41_a_message_while_it_is_summed_up_waits_and_is_heard_afterwards() -> None:
    scene = Scene().running(condenser=Summary())
    forget(scene, asked_to_condense())
    ask_aside(scene).say("and this").recall().hear("In short.")
    assert scene.owes(PrepareAsk)
    assert scene.agent == "running"


def test_b41_stopping_drops_a_summary_that_was_to_be_had() -> None:
    scene = Scene().running(condenser=Summary())
    forget(scene, asked_to_condense())
    ask_aside(scene).stop()
    assert scene.owes()
    assert scene.say().recall().owes(PrepareAsk)


class _Points:
    """Counts the points that a run comes by, and lets the process die at one of them."""

    def __init__(self, at: int = -1) -> None:
        self.seen: list[str] = []
        self._at = at

    def __call__(self, actor: str, label: str) -> Victim | None:
        self.seen.append(f"{actor} {label}")
        return "process" if len(self.seen) - 1 == self._at else None


FORGETFUL = Pipeline(
    condensers=(ObservationMasking(window=6), Summary(messages_max=10, model="script:small"))
)


@cache
def _count() -> int:
    points = _Points()
    play(FORGETFUL, aim=points)
    return len(points.seen)


@pytest.mark.parametrize("part", range(12))
def test_b41_killed_anywhere_each_condensation_is_owed_again_or_done_and_never_twice(part: int) -> None:
    unkilled = play(FORGETFUL)
    for at in range(part, _count(), 12 * 3):
        played = play(FORGETFUL, aim=_Points(at))
        assert played.lived.deaths == 1
        assert played.lived.state.agent.state == "finished"
        asked = [version for version, fact in enumerate(played.records) if fact.type == "CondensationAsked"]
        done = [fact.cause for fact in played.of(Condensed) if fact.cause is not None]
        assert done == asked
        assert len(done) == len([one for one in unkilled.of(Condensed) if one.cause is not None])
        check(played)


@pytest.mark.parametrize(
    ("condenser", "says_"),
    [
        (RecentWindow(keep_first=10, messages_max=20), "keep_first must be less than half"),
        (Summary(keep_first=100), "keep_first must be less than half"),
        (RecentWindow(keep_first=0), "it must be at least 1, the user's first message"),
        (RecentWindow(tokens_max=0), "tokens_max = 0"),
        (Summary(excerpt_characters_max=0), "excerpt_characters_max = 0"),
        (ObservationMasking(window=0), "window = 0"),
        (Pipeline(condensers=()), "has no condensers in it"),
        (Pipeline(condensers=(DEFAULT, Summary(keep_first=100))), "keep_first must be less than half"),
    ],
)
def test_b41_keep_first_must_leave_room(condenser: Condenser, says_: str) -> None:
    scene = Scene()
    with pytest.raises(AssertionError, match=says_):
        scene.start(condenser=condenser)
