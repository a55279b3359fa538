"""What a session has used up, folded from its log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.eventlog.actions import Run
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    AskAbandoned,
    Event,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    StepReenacted,
)
from refold.eventlog.record import Record
from refold.eventlog.usage import Usage
from refold.projections.projection import in_batches, project
from refold.projections.usage import (
    SessionUsage,
    UsageProjection,
    combined,
    times_in_states_ns,
    usage,
)


def asked(attempt: int = 1, step: int = 1, cost_usd: float | None = 10.0) -> ModelAsked:
    return ModelAsked(
        model="m", attempt=attempt, request="", messages=1, step=step, cost_estimated_usd=cost_usd
    )


def answered(cost_usd: float | None = 0.5) -> ModelAnswered:
    tokens = Usage(prompt=100, completion=10, cached=50, reasoning=5)
    return ModelAnswered(model="m-2026", usage=tokens, cost_usd=cost_usd, latency_ns=7)


FAILED = ModelFailed(fault="server", message="")


def records(*events: Event) -> list[Record]:
    return [
        Record(
            position=version,
            stream="s",
            version=version,
            at=version * 10,
            event=event,
            command=str(version),
            epoch=1,
            digest=b"",
        )
        for version, event in enumerate(events)
    ]


def used(*events: Event) -> SessionUsage:
    return usage(records(*events))


def test_the_tries_of_one_step_are_one_iteration_and_several_calls() -> None:
    total = used(asked(1), FAILED, asked(2), FAILED, asked(3), answered(), asked(1, 2), answered())
    assert (total.iterations, total.model_calls) == (2, 4)
    assert total.tokens == Usage(prompt=200, completion=20, cached=100, reasoning=10)
    assert total.cost_usd == 1.0
    assert total.total.latency_ns == 14
    assert total.models == {"m": total.total}


def test_an_action_carried_out_again_is_an_iteration_and_a_message_or_the_end_is_none() -> None:
    proposed = ActionProposed(action=Run(command="ls"))
    recorded = (
        *(StepReenacted(source=1), MessageReceived(content="go")),
        *(StepReenacted(source=2), proposed),
        *(StepReenacted(source=3), proposed),
        StepReenacted(source=4, end=True),
    )
    total = used(*recorded)
    assert (total.iterations, total.model_calls, total.cost_usd) == (2, 0, 0.0)
    assert used(*recorded, asked(), answered(), proposed, proposed).iterations == 3
    assert used(*recorded[:2], asked(), answered(), proposed).iterations == 1


def test_an_abandoned_ask_counts_at_its_estimated_price() -> None:
    total = used(asked(1), AskAbandoned(reason=""), asked(2), answered())
    assert total.cost_usd == pytest.approx(10.5)


@pytest.mark.parametrize(
    "events",
    [
        (asked(), answered(None)),
        (asked(cost_usd=None), AskAbandoned(reason=""), asked(2), answered()),
        (asked(), answered(), asked(1, 2), answered(None), asked(1, 3), answered()),
    ],
)
def test_a_price_that_is_unknown_leaves_the_cost_unknown(events: tuple[Event, ...]) -> None:
    assert used(*events).cost_usd is None


def test_the_time_in_each_state_is_known_at_any_moment() -> None:
    total = used(
        AgentStateChanged(state="loading"),
        AgentStateChanged(state="running"),
        FAILED,
        AgentStateChanged(state="finished"),
        AgentStateChanged(state="running"),
    )
    assert times_in_states_ns(total, 100) == {"loading": 10, "running": 20 + 60, "finished": 10}
    assert times_in_states_ns(used(FAILED), 5) == {}


@given(
    st.lists(
        st.sampled_from(
            [
                asked(),
                asked(2),
                answered(),
                answered(None),
                FAILED,
                AskAbandoned(reason=""),
                StepReenacted(source=1),
                ActionProposed(action=Run(command="ls")),
                AgentStateChanged(state="running"),
            ]
        )
    ),
    st.integers(0, 20),
)
def test_in_batches_is_at_once(events: list[Event], at: int) -> None:
    stream = records(*events)
    assert in_batches(UsageProjection(), (stream[:at], stream[at:])) == project(UsageProjection(), stream)


def test_b49_what_was_used_is_told_by_model_and_by_purpose() -> None:
    condensing = ModelAsked(model="small", attempt=1, request="", messages=1, step=2, purpose="condense")
    total = used(asked(), answered(), condensing, answered(0.25), asked(1, 2), FAILED)
    assert {name: each.calls for name, each in total.purposes.items()} == {"step": 2, "condense": 1}
    assert {name: each.cost_usd for name, each in total.purposes.items()} == {"step": 0.5, "condense": 0.25}
    assert total.cost_usd == 0.75
    assert total.purposes["step"].latency_ns == 7


@given(st.lists(st.sampled_from([asked(), answered(), answered(None), FAILED])), st.integers(0, 10))
def test_b49_two_sessions_together_have_used_what_each_has(events: list[Event], cut: int) -> None:
    """An answer belongs to the ask before it, so a stream is cut where none is open."""
    while 0 < cut < len(events) and isinstance(events[cut - 1], ModelAsked):
        cut += 1
    one, other, whole = used(*events[:cut]), used(*events[cut:]), used(*events)
    both = combined(one, other)
    assert (both.iterations, both.model_calls) == (whole.iterations, whole.model_calls)
    assert both.cost_usd == (None if whole.cost_usd is None else pytest.approx(whole.cost_usd))
    assert both.tokens == whole.tokens
    assert both.purposes.keys() == whole.purposes.keys()


def test_b50_what_has_no_known_price_makes_the_sum_unknown() -> None:
    both = combined(used(asked(), answered(1.0)), used(asked(), answered(None)))
    assert both.cost_usd is None
    assert both.tokens.prompt == 200
