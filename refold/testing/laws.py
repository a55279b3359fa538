"""What must hold of every session, whatever happens to it: the laws that simulations check.

`LAWS` are asked about each record the moment it is committed, against what the records before it say
(`Minutes`). `REST_LAWS` are asked when nothing is left to do. A rule that is added to sessions adds its law
here, in the same commit; docs name them by these functions' names.
"""

from collections.abc import Callable, Mapping
from typing import get_args

from refold.actors.controller.transitions import RESTING
from refold.actors.session.due import agenda, due
from refold.eventlog.condensation import CondensationAsked, Condensed
from refold.eventlog.events import (
    ActionStarted,
    AgentStateChanged,
    AskAbandoned,
    CallRefused,
    Event,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    SessionClaimed,
)
from refold.eventlog.record import Record
from refold.testing.minutes import Broken, Minutes
from refold.testing.transitions import possible

WORLDLESS = frozenset({"Think", "Finish", "Reject", "TrackTasks"})
"""Kinds of actions that are answered with the answer that proposes them."""
ROUNDING_USD = 1e-9

# Asked about every record ---------------------------------------------------------------------------------


def versions_follow(minutes: Minutes, record: Record) -> str | None:
    if record.version != minutes.version + 1:
        return f"version {record.version} after {minutes.version}"
    return None


def a_command_is_recorded_once(minutes: Minutes, record: Record) -> str | None:
    if record.given is not None and record.given.id in minutes.commands:
        return f"{record.given.id} at version {record.version} was recorded before"
    return None


def only_the_driver_writes(minutes: Minutes, record: Record) -> str | None:
    """B47, design 5: after a claim, nothing of an older epoch is let in."""
    match record.event:
        case SessionClaimed(epoch=epoch):
            if epoch != minutes.epoch + 1:
                return f"epoch {epoch} is claimed after {minutes.epoch}"
        case _:
            if minutes.epoch and record.epoch != minutes.epoch:
                return f"epoch {record.epoch} wrote version {record.version} in epoch {minutes.epoch}"
    return None


def a_fork_owes_nothing_that_its_parent_owes(minutes: Minutes, record: Record) -> str | None:
    """Answer with the first commit what is open where it is forked: that is its parent's to do."""
    match record.event:
        case SessionClaimed(epoch=2) if minutes.forked and (minutes.open or minutes.ask is not None):
            return f"version {record.version} takes up {sorted(minutes.open)}, and the question {minutes.ask}"
        case _:
            return None


def one_observation_for_each_action(minutes: Minutes, record: Record) -> str | None:
    """B16: never a second one, and never one without its action."""
    match record.event:
        case ObservationRecorded(cause=int(cause)) if cause not in minutes.open:
            twice = "a second time" if cause in minutes.answered else "and never proposed"
            return f"version {cause} is answered {twice}, at version {record.version}"
        case _:
            return None


def an_observation_names_the_call_of_its_action(minutes: Minutes, record: Record) -> str | None:
    """B16."""
    match record.event:
        case ObservationRecorded(cause=int(cause), tool_call_id=call) if call != minutes.calls.get(
            cause, call
        ):
            return f"version {record.version} answers {call}, and {cause} was {minutes.calls[cause]}"
        case _:
            return None


def an_agent_steps_only_when_nothing_is_open(minutes: Minutes, record: Record) -> str | None:
    """B15, B18: no action unanswered, no message unseen by memory, no other question open."""
    match record.event:
        case ModelAsked():
            if minutes.open:
                return f"version {record.version} asks while {sorted(minutes.open)} are unanswered"
            if minutes.unheard and record.event.purpose == "step":
                return f"version {record.version} asks before memory saw {sorted(minutes.unheard)}"
            if minutes.ask is not None:
                return f"version {record.version} asks while {minutes.ask} has no answer"
            if minutes.delegates:
                return f"version {record.version} asks while delegates of {[*minutes.delegates]} work"
            if minutes.state.agent.state != "running":
                return f"version {record.version} asks while the agent is {minutes.state.agent.state}"
        case _:
            pass
    return None


def limits_are_exact(minutes: Minutes, record: Record) -> str | None:
    """B27: N steps since the last extension and not one more; tries of one step count once."""
    match record.event:
        case CondensationAsked(step=step) | Condensed(step=step, cause=None):
            if step != minutes.steps + 1 or step > minutes.steps_max:
                return f"something is forgotten as step {step} of {minutes.steps_max}, after {minutes.steps}"
        case ModelAsked(step=step, purpose="step") if minutes.state.agent.reenactment is None:
            if step > minutes.steps_max and step != minutes.steps:  # What has begun is tried again.
                return f"step {step} of {minutes.steps_max}"
            if step not in {minutes.steps, minutes.steps + 1}:
                return f"step {step} after {minutes.steps}"
        case _:
            pass
    return None


def limits_end_a_run_only_when_reached(minutes: Minutes, record: Record) -> str | None:
    """B27: the last step that is allowed is taken."""
    match record.event:
        case AgentStateChanged(state="error", reason=reason) if "max_iterations" in reason:
            if minutes.steps < minutes.steps_max:
                return f"ended after {minutes.steps} of {minutes.steps_max}"
        case _:
            pass
    return None


def a_spent_budget_asks_nobody(minutes: Minutes, record: Record) -> str | None:
    """B28: checked before each call, on everything that was spent, abandoned questions included."""
    spent, cost_max = minutes.cost_usd, minutes.cost_max_usd
    match record.event:
        case ModelAsked() if cost_max is not None and spent >= cost_max:
            return f"{spent} USD of {cost_max} are spent, and version {record.version} asks"
        case _:
            return None


def a_budget_ends_a_run_only_when_it_is_spent(minutes: Minutes, record: Record) -> str | None:
    """B28: an extension is worth what it says; of what has no price, nobody knows that it is not spent."""
    match record.event:
        case AgentStateChanged(state="error", reason=reason) if "the budget of" in reason:
            cost_max = minutes.cost_max_usd
            if not minutes.unpriced and (cost_max is None or minutes.cost_usd < cost_max - ROUNDING_USD):
                return f"ended after {minutes.cost_usd} USD of {cost_max}"
        case _:
            pass
    return None


def an_answer_has_its_question(minutes: Minutes, record: Record) -> str | None:
    match record.event:
        case ModelAnswered(cause=cause) | ModelFailed(cause=cause) | AskAbandoned(cause=cause):
            if cause != minutes.ask:
                return f"version {record.version} answers {cause}, but {minutes.ask} is open"
        case _:
            pass
    return None


def a_script_is_read_line_by_line(minutes: Minutes, record: Record) -> str | None:
    """Answers and failures that were accepted are counted: that is the line used next."""
    match record.event:
        case ModelAsked(script_line=int(line), model=model) if line != minutes.lines.get(model, 0):
            return f"line {line} is asked for after {minutes.lines.get(model, 0)} were accepted"
        case _:
            return None


def an_action_is_started_once_and_confirmed(minutes: Minutes, record: Record) -> str | None:
    """B32, B33: what needs an approval has it before it touches the world."""
    match record.event:
        case ActionStarted(cause=int(cause)):
            if cause not in minutes.open or minutes.started.get(cause):
                return f"version {cause} is started at {record.version}, but it is not open or was started"
            settings = minutes.state.life.settings
            asks = settings is not None and settings.confirm == "always"
            if asks and not minutes.state.agent.reenacting and cause not in minutes.confirmed:
                return f"version {cause} is started at {record.version} without an approval"
            if minutes.state.hands.incarnation is None:
                return f"version {cause} is started at {record.version} without a runner"
            if minutes.open[cause] in WORLDLESS:
                return f"version {cause} is started at {record.version}, and needs no world"
        case _:
            pass
    return None


def states_follow_the_table(minutes: Minutes, record: Record) -> str | None:
    """B24."""
    before = minutes.state.agent.state
    match record.event:
        case AgentStateChanged(state=after) if not possible(before, after):
            return f"{before} -> {after}"
        case _:
            return None


def a_cause_stands_before_its_effect(minutes: Minutes, record: Record) -> str | None:
    del minutes
    if record.cause is not None and not 0 <= record.cause < record.version:
        return f"version {record.version} is caused by {record.cause}"
    return None


def a_failure_is_retried_only_if_it_passes(minutes: Minutes, record: Record) -> str | None:
    """B30: a session that waits for its next try says when that is."""
    del minutes
    match record.event:
        case AgentStateChanged(state="rate_limited", retry_at=None):
            return "rate_limited without the time of the next try"
        case _:
            return None


def a_refused_call_is_no_action(minutes: Minutes, record: Record) -> str | None:
    """B21: the refusal belongs to an answer, and opens nothing."""
    match record.event:
        case CallRefused(cause=int(cause)) if cause in minutes.open:
            return f"version {cause} is refused and proposed"
        case _:
            return None


type Law = Callable[[Minutes, Record], str | None]
type Kinds = tuple[type[Event], ...]

EVERY: Kinds = get_args(Event.__value__)

LAWS: Mapping[Law, Kinds] = {
    versions_follow: EVERY,
    a_command_is_recorded_once: EVERY,
    only_the_driver_writes: EVERY,
    a_cause_stands_before_its_effect: EVERY,
    a_fork_owes_nothing_that_its_parent_owes: (SessionClaimed,),
    one_observation_for_each_action: (ObservationRecorded,),
    an_observation_names_the_call_of_its_action: (ObservationRecorded,),
    an_agent_steps_only_when_nothing_is_open: (ModelAsked,),
    limits_are_exact: (ModelAsked, CondensationAsked, Condensed),
    limits_end_a_run_only_when_reached: (AgentStateChanged,),
    a_spent_budget_asks_nobody: (ModelAsked,),
    a_budget_ends_a_run_only_when_it_is_spent: (AgentStateChanged,),
    an_answer_has_its_question: (ModelAnswered, ModelFailed, AskAbandoned),
    a_script_is_read_line_by_line: (ModelAsked,),
    an_action_is_started_once_and_confirmed: (ActionStarted,),
    states_follow_the_table: (AgentStateChanged,),
    a_failure_is_retried_only_if_it_passes: (AgentStateChanged,),
    a_refused_call_is_no_action: (CallRefused,),
}
"""Each law with the kinds of facts that it looks at."""


def by_kind[L](laws: Mapping[L, Kinds]) -> Mapping[type[Event], tuple[L, ...]]:
    """Return for each kind of fact the laws that look at it: asking all of all cost a tenth of a run."""
    return {kind: tuple(law for law, kinds in laws.items() if kind in kinds) for kind in EVERY}


_LAWS = by_kind(LAWS)


def check(minutes: Minutes, record: Record) -> None:
    """Hold every law against a record that was just committed, then take it in; raises `Broken`."""
    for law in _LAWS[type(record.event)]:
        if (found := law(minutes, record)) is not None:
            raise Broken(law.__name__, found)
    minutes.take(record)


# Asked when nothing is left to do -------------------------------------------------------------------------


def nothing_is_due_at_rest(minutes: Minutes, owed: bytes) -> str | None:
    """B25, B44: who waits for nobody owes nothing, and who owes something does not just stop."""
    del owed
    state = minutes.state
    effects = due(state)
    if effects:
        return f"the agent is {state.agent.state}, nothing moves, and {[e.key for e in effects]} are due"
    if not state.life.closed and state.agent.state not in RESTING:
        return f"the agent is {state.agent.state}, and nothing is due"
    return None


def every_action_is_answered_at_rest(minutes: Minutes, owed: bytes) -> str | None:
    """B16: only what waits for an approval, or for a pause to be lifted, may be open."""
    del owed
    if minutes.open and minutes.state.agent.state not in {"awaiting_user_confirmation", "paused"}:
        return f"the agent is {minutes.state.agent.state}, and {sorted(minutes.open)} are unanswered"
    return None


def the_agenda_says_what_is_due(minutes: Minutes, owed: bytes) -> str | None:
    if owed != agenda(due(minutes.state)):
        return f"the agenda holds {owed!r}"
    return None


type RestLaw = Callable[[Minutes, bytes], str | None]

REST_LAWS: tuple[RestLaw, ...] = (
    nothing_is_due_at_rest,
    every_action_is_answered_at_rest,
    the_agenda_says_what_is_due,
)


def check_rest(minutes: Minutes, owed: bytes) -> None:
    """Hold what must be so when nothing is left to do; `owed` is the stream's agenda. Raises `Broken`."""
    for law in REST_LAWS:
        if (found := law(minutes, owed)) is not None:
            raise Broken(law.__name__, found)
