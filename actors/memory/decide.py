"""What memory decides: each message is looked up once, and what is forgotten gets the agent further."""

from refold.actors.controller.transitions import ENDED
from refold.actors.memory.state import Condensation
from refold.actors.models.retry import delay_s, is_retried
from refold.actors.session.commands import BeginAsk, BeginCondensation, ReportAnswer, ReportRecall
from refold.actors.session.state import State
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.condensers import each
from refold.eventlog.events import AgentStateChanged, Event, ModelAnswered, ModelFailed, StuckDetected
from refold.projections.condensing import summary_cut
from refold.projections.request import CHARACTERS_PER_TOKEN
from refold.projections.summarising import SHRINKS_MAX

SHRINKS_NO_MORE = "condensing no longer shrinks the context"
_STILL = 0.95
"""A conversation that is longer than this part of what it was when it was condensed has not shrunk."""


def decide_recall(state: State, command: ReportRecall) -> tuple[Event, ...]:
    cause = command.fact.cause
    asked = cause in state.recall.waiting or any(one.cause == cause for one in state.recall.touched)
    return (command.fact,) if asked else ()


def condenses(state: State) -> bool:
    """Whether this session forgets anything at all."""
    settings = state.life.settings
    return settings is not None and bool(each(settings.condenser))


def owes_summary(state: State) -> bool:
    """Whether a model is to be asked for a summary, first or again."""
    return (
        state.recall.condensation is not None and state.agent.state == "running" and state.agent.ask is None
    )


def decide_condensation(state: State, command: BeginCondensation) -> tuple[Event, ...]:
    """Return the choice of what to forget as a fact: made good at once, or once a summary is there.

    The caller has made sure that it is not stale.
    """
    fact, last = command.fact, state.recall.condensed_tokens
    match fact:
        case CondensationFailed(reason=reason):
            return (fact, AgentStateChanged(state="error", reason=reason))
        case CondensationAsked() | Condensed():
            if last is not None and fact.tokens > last * _STILL:
                said = f"the agent is going in circles: {SHRINKS_NO_MORE}"
                return (StuckDetected(pattern=SHRINKS_NO_MORE), AgentStateChanged(state="error", reason=said))
            return (fact,)


def decide_summary_ask(state: State, command: BeginAsk) -> tuple[Event, ...]:
    condensing, fact = state.recall.condensation, command.fact
    if condensing is None or not owes_summary(state):
        return ()
    if (fact.cause, fact.attempt) != (condensing.version, condensing.attempts + 1):
        return ()
    return (fact,)


def decide_summary(
    state: State, fact: ModelAnswered | ModelFailed, command: ReportAnswer
) -> tuple[Event, ...]:
    """Return what comes of the answer to a question for a summary."""
    condensing = state.recall.condensation
    if condensing is None:
        return (fact,)
    match fact:
        case ModelAnswered(content=content):
            if not content.strip():
                return (fact, *_given_up(condensing, "the model that was to sum up answered without a text"))
            return (fact, _condensed(condensing, content))
        case ModelFailed():
            return (fact, *_failure(state, condensing, fact, command))


def follow_condensing(state: State) -> tuple[Event, ...]:
    """Return why no model may be asked for the summary that is due: the budget is spent."""
    agent = state.agent
    if not owes_summary(state) or not agent.over_budget:
        return ()
    reason = f"the budget of {agent.budget_usd} USD is spent; `continue` extends it"
    return (AgentStateChanged(state="error", reason=reason),)


def _condensed(condensing: Condensation, summary: str) -> Condensed:
    asked = condensing.fact
    return Condensed(
        cause=condensing.version,
        condenser=asked.condenser,
        reason=asked.reason,
        step=asked.step,
        forgotten=asked.forgotten,
        messages=asked.messages,
        tokens=asked.tokens,
        tokens_forgotten=asked.tokens_forgotten,
        summary=summary_cut(summary, asked.tokens_forgotten * CHARACTERS_PER_TOKEN),
    )


def _failure(
    state: State, condensing: Condensation, fact: ModelFailed, command: ReportAnswer
) -> tuple[Event, ...]:
    settings = state.life.settings
    if state.agent.state in ENDED or settings is None:
        return ()
    failures = condensing.failures + 1
    said = f"the model that was to sum up failed ({fact.fault}): {fact.message}"
    if fact.fault == "context_window" and condensing.shrinks < SHRINKS_MAX:
        return ()  # It is asked again with half as much.
    if not is_retried(fact.fault):
        return _given_up(condensing, said)
    if failures > settings.retries_max:
        return _given_up(condensing, f"{said}; gave up after {failures} tries")
    if state.agent.state != "running":
        return ()
    retry_at = command.at + int(delay_s(failures, fact.retry_after_s, command.draw) * 1e9)
    return (AgentStateChanged(state="rate_limited", reason=said, retry_at=retry_at),)


def _given_up(condensing: Condensation, reason: str) -> tuple[Event, ...]:
    return (
        CondensationFailed(cause=condensing.version, reason=reason),
        AgentStateChanged(state="error", reason=f"{reason}; a message or `continue` tries again"),
    )
