"""Rules 29 (e), 31, 40 and 41: what is forgotten when a conversation grows too long, and what never is."""

from collections.abc import Callable, Sequence
from functools import cache

import pytest
from msgspec import Struct
from msgspec.structs import replace

from refold.actors.dispatch.choices import Victim
from refold.actors.dispatch.choosers import Replay
from refold.actors.dispatch.stepper import Stepper
from refold.actors.memory.decide import SHRINKS_NO_MORE
from refold.actors.models.fake import Line, says
from refold.actors.session.commands import BeginAsk, BeginCondensation
from refold.actors.session.due import PrepareSummary, due
from refold.actors.session.verify import verify
from refold.eventlog.actions import Action
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.condensers import (
    DEFAULT,
    Condenser,
    NoCondenser,
    ObservationMasking,
    Pipeline,
    RecentWindow,
    Summary,
)
from refold.eventlog.events import (
    AgentStateChanged,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    SessionStarted,
    StuckDetected,
)
from refold.eventlog.observations import Observation, RunOutput
from refold.eventlog.record import Record
from refold.projections.request import Request
from refold.projections.usage import usage
from refold.testing.crash import IDENTITY, STREAM, Lived, live
from refold.testing.forgetting import misshapen
from refold.testing.world import SmallWorld
from tests.behaviour.scenes import FINISH, RUN, THINK, PrepareAsk, Scene, settings

WORDS = "as it says " * 60
STEPS = 24
SMALL = 12_000
"""Characters that the small model takes: the system message and the tools are half of them."""


class Played(Struct, frozen=True):
    lived: Lived
    world: SmallWorld
    records: list[Record]

    def of[E](self, kind: type[E]) -> list[E]:
        return [record.event for record in self.records if isinstance(record.event, kind)]

    @property
    def steps(self) -> list[Request]:
        """The requests for steps that were answered."""
        return [request for request in self.world.scripted.requests if request.model == "script:s"]


def talkative(key: str, action: Action) -> Observation:
    """Answer at length, and otherwise each time: who forgets is not to be taken for going in circles."""
    del action
    return RunOutput(content=f"{key}: {WORDS}", exit_code=0)


def worker(number: int, takes: int) -> Line:
    """Return what a model says that works until its last line and takes so many characters."""

    def line(request: Request) -> ModelAnswered | ModelFailed:
        if request.characters > takes:
            return ModelFailed(fault="context_window", message="the prompt is too long")
        if request.model == "script:s":
            return says(f"step {number}", FINISH if number == STEPS - 1 else RUN)
        return says(f"In short: {number}.")

    return line


def play(
    condenser: Condenser,
    *,
    takes: int = SMALL,
    aim: Callable[[str, str], Victim | None] | None = None,
    lines: Sequence[Line] | None = None,
    **changes: object,
) -> Played:
    world = SmallWorld(
        [worker(number, takes) for number in range(STEPS)] if lines is None else lines, answer=talkative
    )
    start = SessionStarted(settings=settings(condenser=condenser, **changes), task="do it")
    lived = live(Stepper(chooser=Replay(), aim=aim), world, start)
    return Played(lived, world, list(lived.log.read(STREAM)))


def check(played: Played) -> None:
    """Hold what is true whatever was forgotten."""
    assert [wrong for request in played.steps if (wrong := misshapen(request))] == []
    assert verify(played.lived.log, STREAM, code=IDENTITY.code).divergence is None
    assert [record.version for record in played.records] == list(range(len(played.records)))
    assert len(played.of(Condensed)) + len(played.of(ModelFailed)) > 0


# Rule 31 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condenser", "takes"),
    [
        (DEFAULT, SMALL),
        (Summary(messages_max=None), SMALL),
        (ObservationMasking(), 2 * SMALL),
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


# Helpers --------------------------------------------------------------------------------------------------


def condensed(tokens: int) -> Condensed:
    return Condensed(condenser="recent", reason="context_window", step=0, tokens=tokens, messages=1)


def asked_to_condense() -> CondensationAsked:
    return CondensationAsked(
        condenser="summary", reason="size", step=0, messages=4, tokens=1000, tokens_forgotten=900
    )


def forget(scene: Scene, fact: CondensationAsked | Condensed | CondensationFailed) -> Scene:
    """Tell what is to be forgotten in place of the step that is due."""
    (prepare,) = [effect for effect in due(scene.state) if isinstance(effect, PrepareAsk)]
    if not isinstance(fact, CondensationFailed):
        fact = replace(fact, step=prepare.step)
    return scene.do(BeginCondensation(**scene.id(), fact=fact, seen=scene.state.version))


def ask_aside(scene: Scene, cost: float = 0.0) -> Scene:
    """Record the question for the summary that is due."""
    (prepare,) = [effect for effect in due(scene.state) if isinstance(effect, PrepareSummary)]
    fact = ModelAsked(
        cause=prepare.condensation,
        purpose="condense",
        model="script:small",
        attempt=prepare.attempt,
        step=scene.state.agent.iterations,
        request="digest",
        messages=2,
        cost_estimated_usd=cost,
    )
    return scene.do(BeginAsk(**scene.id(), fact=fact, seen=scene.state.version))
