"""What a session has used up: iterations, tokens, money and time. Folded from the log, stored nowhere."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from refold.eventlog.condensation import CondensationAsked, Condensed
from refold.eventlog.events import (
    ActionProposed,
    AgentState,
    AgentStateChanged,
    AskAbandoned,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    StepReenacted,
)
from refold.eventlog.record import Record
from refold.eventlog.settings import Purpose
from refold.eventlog.usage import Usage
from refold.projections.projection import project


class ModelUsage(Struct, frozen=True, kw_only=True):
    """What one model was used for; `cost_usd` is None once any part of it is unknown."""

    calls: int = 0
    tokens: Usage = Usage()
    cost_usd: float | None = 0.0
    latency_ns: int = 0


class SessionUsage(Struct, frozen=True, kw_only=True):
    """The figures of one session, what a fork inherited included.

    `iterations` counts steps: the retries within one count once, a re-enacted action counts too, a user's
    message does not. `model_calls` counts every request that left.
    """

    iterations: int = 0
    model_calls: int = 0
    total: ModelUsage = ModelUsage()
    models: dict[str, ModelUsage] = {}
    purposes: dict[Purpose, ModelUsage] = {}
    asked: ModelAsked | None = None
    """The ask that is open."""
    reenacting: bool = False
    """The next action is a recorded one, carried out again."""
    state: AgentState | None = None
    state_since: int = 0
    state_times_ns: dict[str, int] = {}

    @property
    def tokens(self) -> Usage:
        return self.total.tokens

    @property
    def cost_usd(self) -> float | None:
        """The money spent so far, or None when a price is unknown: that is not zero."""
        return self.total.cost_usd


class UsageProjection:
    """Folds a stream into `SessionUsage`; each record costs the same, however long the session."""

    def initial(self) -> SessionUsage:
        return SessionUsage()

    def fold(self, state: SessionUsage, record: Record) -> SessionUsage:
        match record.event:
            case ModelAsked() as asked:
                first = 1 if asked.attempt == 1 and asked.purpose == "step" else 0
                begun = replace(
                    state,
                    iterations=state.iterations + first,
                    model_calls=state.model_calls + 1,
                    asked=asked,
                    reenacting=False,
                )
                return _added(begun, asked.model, ModelUsage(calls=1))
            case ModelAnswered() as answer:
                return replace(_added(state, _asked_model(state, answer.model), _of(answer)), asked=None)
            case ModelFailed():
                return replace(state, asked=None)
            case AskAbandoned():
                return _abandoned(state)
            case CondensationAsked() | Condensed(cause=None):
                return replace(state, iterations=state.iterations + 1)
            case StepReenacted(end=end):
                return replace(state, reenacting=not end)
            case ActionProposed() if state.reenacting:
                return replace(state, iterations=state.iterations + 1, reenacting=False)
            case AgentStateChanged(state=to):
                return _changed(state, to, record.at)
            case _:
                return state


def usage(records: Iterable[Record]) -> SessionUsage:
    """Return the figures after `records`, the first ones of a stream."""
    return project(UsageProjection(), records)


def times_in_states_ns(state: SessionUsage, now: int) -> dict[str, int]:
    """Return how long the session has been in each agent state, the present one until `now`."""
    return state.state_times_ns if state.state is None else _changed(state, state.state, now).state_times_ns


def _abandoned(state: SessionUsage) -> SessionUsage:
    """Count an ask that nobody heard the end of: its prompt was sent, and most likely paid for."""
    if state.asked is None:
        return state
    estimated = ModelUsage(cost_usd=state.asked.cost_estimated_usd)
    return replace(_added(state, state.asked.model, estimated), asked=None)


def _asked_model(state: SessionUsage, answered: str) -> str:
    return answered if state.asked is None else state.asked.model


def _of(answer: ModelAnswered) -> ModelUsage:
    return ModelUsage(tokens=answer.usage, cost_usd=answer.cost_usd, latency_ns=answer.latency_ns)


def combined(one: SessionUsage, other: SessionUsage) -> SessionUsage:
    """Return the figures of both together, for instance of all sessions of a home."""
    times = dict(one.state_times_ns)
    for state, time_ns in other.state_times_ns.items():
        times[state] = times.get(state, 0) + time_ns
    return SessionUsage(
        iterations=one.iterations + other.iterations,
        model_calls=one.model_calls + other.model_calls,
        total=_sum(one.total, other.total),
        models=_sums(one.models, other.models),
        purposes=_sums(one.purposes, other.purposes),
        state_times_ns=times,
    )


def _added(state: SessionUsage, model: str, more: ModelUsage) -> SessionUsage:
    """Count more of the ask that is open."""
    purpose: Purpose = "step" if state.asked is None else state.asked.purpose
    return replace(
        state,
        total=_sum(state.total, more),
        models=_sums(state.models, {model: more}),
        purposes=_sums(state.purposes, {purpose: more}),
    )


def _sums[K](one: Mapping[K, ModelUsage], other: Mapping[K, ModelUsage]) -> dict[K, ModelUsage]:
    return {**one, **{key: _sum(one.get(key, ModelUsage()), more) for key, more in other.items()}}


def _sum(one: ModelUsage, other: ModelUsage) -> ModelUsage:
    known = one.cost_usd is not None and other.cost_usd is not None
    return ModelUsage(
        calls=one.calls + other.calls,
        tokens=Usage(
            prompt=one.tokens.prompt + other.tokens.prompt,
            completion=one.tokens.completion + other.tokens.completion,
            cached=one.tokens.cached + other.tokens.cached,
            cache_written=one.tokens.cache_written + other.tokens.cache_written,
            reasoning=one.tokens.reasoning + other.tokens.reasoning,
        ),
        cost_usd=(one.cost_usd or 0.0) + (other.cost_usd or 0.0) if known else None,
        latency_ns=one.latency_ns + other.latency_ns,
    )


def _changed(state: SessionUsage, to: AgentState, at: int) -> SessionUsage:
    times = dict(state.state_times_ns)
    if state.state is not None:
        times[state.state] = times.get(state.state, 0) + at - state.state_since
    return replace(state, state=to, state_since=at, state_times_ns=times)
