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
from refold.testing.minutes import Broken
from refold.testing.person import Heard
from refold.testing.transitions import possible

type Expected = str
"""What a command comes to: `refused`, `nothing` new, or records that hold a fact of this type."""


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
        case ChangeSettings():
            return frozenset({"SettingsChanged", "nothing"})
        case CloseSession():
            return frozenset({"SessionClosed"})
        case _:
            raise TypeError(f"not a command of a person: {command}")


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


def _move(there: bool, *, can: bool) -> frozenset[Expected]:  # noqa: FBT001
    return frozenset({"nothing" if there else "AgentStateChanged" if can else "refused"})
