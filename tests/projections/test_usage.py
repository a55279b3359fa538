"""What a session has used up, folded from its log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.eventlog.events import (
    AgentStateChanged,
    AskAbandoned,
    Event,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    SessionStarted,
    SettingsChanged,
    StepReenacted,
    Usage,
)
from refold.eventlog.record import Record
from refold.eventlog.settings import Price, Settings
from refold.projections.projection import in_batches, project
from refold.projections.usage import SessionUsage, UsageProjection, times_in_states_ns, usage

PRICE = Price(prompt=10.0, completion=20.0)


def started(price: Price | None = PRICE) -> SessionStarted:
    return SessionStarted(settings=Settings(model="m", workspace="w", sandbox="local", price=price))


def asked(attempt: int = 1, step: int = 1) -> ModelAsked:
    return ModelAsked(
        model="m", attempt=attempt, request="", messages=1, step=step, tokens_estimated=1_000_000
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
    total = used(started(), asked(1), FAILED, asked(2), FAILED, asked(3), answered(), asked(1, 2), answered())
    assert (total.iterations, total.model_calls) == (2, 4)
    assert total.tokens == Usage(prompt=200, completion=20, cached=100, reasoning=10)
    assert total.cost_usd == 1.0
    assert total.total.latency_ns == 14
    assert total.models == {"m": total.total}


def test_a_step_carried_out_again_is_an_iteration_and_the_end_is_none() -> None:
    total = used(StepReenacted(source=1), StepReenacted(source=2), StepReenacted(source=3, end=True))
    assert (total.iterations, total.model_calls, total.cost_usd) == (2, 0, 0.0)


def test_an_abandoned_ask_counts_at_its_estimated_price() -> None:
    total = used(started(), asked(1), AskAbandoned(reason=""), asked(2), answered())
    assert total.cost_usd == pytest.approx(10.5)


@pytest.mark.parametrize(
    "events",
    [
        (started(None), asked(), answered(None)),
        (started(None), asked(), AskAbandoned(reason=""), asked(2), answered()),
        (started(), asked(), answered(), asked(1, 2), answered(None), asked(1, 3), answered()),
    ],
)
def test_a_price_that_is_unknown_leaves_the_cost_unknown(events: tuple[Event, ...]) -> None:
    assert used(*events).cost_usd is None


def test_another_model_has_another_price() -> None:
    total = used(started(), SettingsChanged(model="other"))
    assert (total.model, total.price) == ("other", None)
    total = used(started(), SettingsChanged(model="other", price=PRICE), SettingsChanged(iterations_max=3))
    assert (total.model, total.price) == ("other", PRICE)


def test_the_time_in_each_state_is_known_at_any_moment() -> None:
    total = used(
        AgentStateChanged(state="loading"),
        AgentStateChanged(state="running"),
        started(),
        AgentStateChanged(state="finished"),
        AgentStateChanged(state="running"),
    )
    assert times_in_states_ns(total, 100) == {"loading": 10, "running": 20 + 60, "finished": 10}
    assert times_in_states_ns(used(started()), 5) == {}


@given(
    st.lists(
        st.sampled_from(
            [
                started(),
                asked(),
                asked(2),
                answered(),
                answered(None),
                FAILED,
                AskAbandoned(reason=""),
                StepReenacted(source=1),
                SettingsChanged(model="other"),
                AgentStateChanged(state="running"),
            ]
        )
    ),
    st.integers(0, 20),
)
def test_in_batches_is_at_once(events: list[Event], at: int) -> None:
    stream = records(*events)
    assert in_batches(UsageProjection(), (stream[:at], stream[at:])) == project(UsageProjection(), stream)
