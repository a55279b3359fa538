"""Commands against a sequential model: each takes effect at one moment between said and answered."""

from collections.abc import Collection, Sequence
from itertools import pairwise

from refold.actors.session.commands import (
    ChangeSettings,
    CloseSession,
    Command,
    ConfirmActions,
    ContinueAgent,
    PauseAgent,
    RejectActions,
    ResumeAgent,
    SendMessage,
    StopAgent,
)
from refold.actors.session.state import State
from refold.eventlog.events import (
    AgentState,
    AgentStateChanged,
    Event,
    LimitsExtended,
    ObservationRecorded,
    SettingsChanged,
)
from refold.eventlog.record import Record
from refold.testing.minutes import Broken
from refold.testing.person import Heard
from refold.testing.transitions import possible

type Expected = str
"""What a command comes to: `refused`, `nothing` new, or records that hold a fact of this type."""

ONWARD: frozenset[AgentState] = frozenset({"running", "loading"})
HALTED: frozenset[AgentState] = frozenset(
    {
        "awaiting_user_confirmation",
        "awaiting_user_input",
        "stopped",
        "finished",
        "rejected",
        "error",
    }
)
"""Where a message has an agent go on; who is paused stays so."""
_SETTINGS = ("model", "iterations_max", "budget_usd", "confirm", "risk")
"""What a person changes in simulations."""


def expected(state: State, command: Command) -> frozenset[Expected]:
    """Return what `command` may come to in this state: said in a few words, and without the deciders."""
    agent = state.agent.state
    if state.life.closed:
        return frozenset({"nothing" if isinstance(command, CloseSession) else "refused"})
    match command:
        case PauseAgent():
            return _move(agent == "paused", can=possible(agent, "paused"))
        case StopAgent():
            return _move(agent == "stopped", can=possible(agent, "stopped"))
        case ResumeAgent():
            return frozenset({"AgentStateChanged" if agent == "paused" else "nothing"})
        case SendMessage():
            return frozenset({"MessageReceived"})
        case ContinueAgent():
            return frozenset({"LimitsExtended"})
        case ConfirmActions():
            waits = agent == "awaiting_user_confirmation"
            return frozenset({"ActionsConfirmed", "refused"} if waits else {"refused"})
        case RejectActions():
            return frozenset({"ActionsRejected" if agent == "awaiting_user_confirmation" else "refused"})
        case ChangeSettings(fact=fact):
            return frozenset({"nothing" if _in_force(state, fact) else "SettingsChanged"})
        case CloseSession():
            return frozenset({"SessionClosed"})
        case _:
            raise TypeError(f"not a command of a person: {command}")


def wrong_with(before: State, after: State, command: Command, records: Sequence[Record]) -> str | None:
    """Return what a command that was recorded has not brought about, or has brought about besides."""
    events = [record.event for record in records]
    reached = {event.state for event in events if isinstance(event, AgentStateChanged)}
    extended = any(isinstance(event, LimitsExtended) for event in events)
    agent, wanted = before.agent.state, _reaches(before, command)
    if wanted and not wanted & reached:
        return f"led to {sorted(reached)}, not to {sorted(wanted)}"
    match command:
        case SendMessage():
            if agent in {"paused", "rate_limited"} and reached:
                return f"led to {sorted(reached)}"
            left = before.agent.iterations_base + before.agent.iterations_max - before.agent.iterations
            if extended != (left <= 0):
                return f"came with {left} steps left, and the limit {'is' if extended else 'is not'} extended"
            if agent == "awaiting_user_confirmation":
                answered = {event.cause for event in events if isinstance(event, ObservationRecorded)}
                if unanswered := {version for version, _ in _waiting(before)} - answered:
                    return f"left {sorted(unanswered)} to wait"
        case ContinueAgent(iterations=iterations, budget_usd=budget_usd):
            return _extends(before, events, iterations, budget_usd)
        case ChangeSettings(fact=fact) if not _in_force(after, fact):
            return "changed nothing"
        case _:
            pass
    return None


def _extends(
    before: State, events: Sequence[Event], iterations: int | None, budget_usd: float | None
) -> str | None:
    """Return what is wrong with an extension: it is worth what was asked for, else what the settings say."""
    settings = before.life.settings
    if settings is None:
        return "came before the start"
    worth = (
        settings.iterations_max if iterations is None else iterations,
        settings.budget_usd if budget_usd is None else budget_usd,
    )
    given = [(event.iterations, event.budget_usd) for event in events if isinstance(event, LimitsExtended)]
    return None if given == [worth] else f"is worth {given}, not {worth}"


def _reaches(state: State, command: Command) -> frozenset[AgentState]:
    """Return the states of which the agent comes to one, be it for a moment; none where it need not."""
    agent = state.agent.state
    match command:
        case PauseAgent():
            return frozenset({"paused"})
        case StopAgent():
            return frozenset({"stopped"})
        case ResumeAgent():
            return ONWARD
        case SendMessage():
            return ONWARD if agent in HALTED else frozenset()
        case ContinueAgent():
            return ONWARD if agent in {"error", "stopped", "paused"} else frozenset()
        case ConfirmActions():
            return frozenset({"running"})
        case RejectActions(try_again=again):
            return frozenset({"running" if again else "awaiting_user_input"})
        case _:
            return frozenset()


def _in_force(state: State, fact: SettingsChanged) -> bool:
    """Whether the settings are what `fact` wants them to be."""
    settings = state.life.settings
    wanted = {name: value for name in _SETTINGS if (value := getattr(fact, name)) is not None}
    return all(getattr(settings, name) == value for name, value in wanted.items())


def _waiting(state: State) -> list[tuple[int, bytes]]:
    """Return what an approval would name, as a person is shown it."""
    hands = state.hands.open
    return [(one.version, one.digest) for one in hands if not one.confirmed and one.incarnation is None]


def check_commands(heard: Sequence[Heard], states: Sequence[State], recorded: Collection[str]) -> None:
    """Hold a person's history against the model; raise `Broken`.

    `states` are those after each version, `recorded` the ids of the commands in the log
    that were said once.
    """
    for one in heard:
        _check(one, states, recorded)
    answered = sorted((one for one in heard if one.records), key=lambda one: one.said)
    for before, after in ((a, b) for a in answered for b in answered if a.heard < b.said):
        if before.records[-1].version >= after.records[0].version:
            raise Broken(
                "commands_keep_the_order_in_which_they_were_answered",
                f"{before.command.id} was answered before {after.command.id} was said, and comes after it",
            )
    once = [one for one in answered if one.command.id in recorded]
    for before, after in pairwise(once):
        if before.records[-1].version >= after.records[0].version:
            raise Broken(
                "what_one_person_says_is_decided_in_order",
                f"{before.command.id} was said before {after.command.id}, each once, and comes after it",
            )


def _check(one: Heard, states: Sequence[State], recorded: Collection[str]) -> None:
    name = type(one.command).__name__
    if one.records:
        first = one.records[0].version
        if not one.after < first or any(record.command != one.command.id for record in one.records):
            raise Broken("an_answer_is_about_its_command", f"{name} was answered with version {first}")
        types = {record.type for record in one.records}
        if not expected(states[first - 1], one.command) & types:
            agent = states[first - 1].agent.state
            raise Broken("commands_do_what_the_model_says", f"{name} while {agent} led to {sorted(types)}")
        wrong = wrong_with(states[first - 1], states[one.records[-1].version], one.command, one.records)
        if wrong is not None:
            agent = states[first - 1].agent.state
            raise Broken("commands_do_what_the_model_says", f"{name} while {agent} {wrong}")
        return
    if one.command.id in recorded:
        raise Broken("what_is_refused_is_not_recorded", f"{name} {one.command.id}: {one.refused}")
    outcome = "nothing" if one.refused is None else "refused"
    window = states[max(one.after, 0) : one.until + 1]
    if not any(outcome in expected(state, one.command) for state in window):
        agents = sorted({state.agent.state for state in window})
        raise Broken(
            "commands_do_what_the_model_says", f"{name} was {outcome} ({one.refused}) while {agents}"
        )
    if isinstance(one.command, ConfirmActions) and all(
        state.agent.state == "awaiting_user_confirmation"
        and not state.life.closed
        and _waiting(state) == _waiting(window[0])
        for state in window
    ):
        raise Broken("what_is_shown_to_wait_can_be_approved", f"{one.command.id} was refused: {one.refused}")


def _move(there: bool, *, can: bool) -> frozenset[Expected]:  # noqa: FBT001
    return frozenset({"nothing" if there else "AgentStateChanged" if can else "refused"})
