"""What settings come to that a session is resumed or steered with, and whether anybody could check them."""

from collections.abc import Iterable

from refold.actors.session.commands import ChangeSettings, Command, ContinueAgent
from refold.actors.session.evolve import changed
from refold.actors.session.state import State
from refold.beginning import check_budget
from refold.errors import WrongUsage
from refold.eventlog.settings import Settings
from refold.sound import check_fields


def affordable(state: State, settings: Settings, commands: Iterable[Command]) -> Settings:
    """Return the settings that the commands lead to; raises `WrongUsage` for a budget nobody could check."""
    asked: float | None = None
    for command in commands:
        match command:
            case ChangeSettings(fact=fact):
                check_fields(fact)
                settings, asked = changed(settings, fact), fact.budget_usd
            case ContinueAgent(budget_usd=budget_usd):
                check_fields(command)
                asked = budget_usd
            case _:
                pass
    check_budget(settings.model, settings.price, settings.budget_usd if asked is None else asked)
    if asked is not None and state.agent.cost_usd is None:
        raise WrongUsage(
            f"a budget of {asked:g} USD was asked for, but what the session has cost so far is unknown: "
            "a model of unknown price has answered in it; go on without one"
        )
    return settings
