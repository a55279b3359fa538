"""`refold run` and `refold resume`: a session is started or taken up, and driven until it rests."""

import math
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from msgspec.structs import replace

from refold.actors.controller.transitions import RESTING
from refold.actors.session.commands import ChangeSettings, Command, ResumeAgent, SendMessage
from refold.actors.session.state import State
from refold.beginning import choose_model, choose_sandbox, model_name
from refold.cli.drive import ASKING, Watcher, drive
from refold.cli.exits import exit_code
from refold.cli.options import (
    AgentOption,
    AnalyzerOption,
    BaseUrlOption,
    BudgetOption,
    ConfigOption,
    ConfirmOption,
    EnvironmentOption,
    HomeOption,
    IterationsOption,
    JsonOption,
    ModelOption,
    MountOption,
    NetworkOption,
    PriceOption,
    RiskOption,
    RunnerCaOption,
    RunnerOption,
    SandboxOption,
    SecretsOption,
    SessionArgument,
)
from refold.cli.surroundings import surroundings
from refold.driver import driven_error, driver_of
from refold.errors import WrongUsage
from refold.eventlog.events import MessageReceived, SettingsChanged
from refold.eventlog.risk import Threshold
from refold.eventlog.settings import AgentSettings, ConfirmationPolicy, Price
from refold.home import Home
from refold.layers import configure
from refold.look import check_home
from refold.session import given
from refold.system import System


def run(
    task: Annotated[str, typer.Argument(metavar="TASK", help="What the agent is to do.")],
    session: Annotated[
        str | None, typer.Option("--session", metavar="ID", help="The new session's name.")
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", metavar="DIR", help="Where it works; default a new folder.")
    ] = None,
    agent: AgentOption = None,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    sandbox: SandboxOption = None,
    network: NetworkOption = None,
    env: EnvironmentOption = None,
    mount: MountOption = None,
    runner: RunnerOption = None,
    runner_ca: RunnerCaOption = None,
    config: ConfigOption = None,
    iterations_max: IterationsOption = None,
    budget: BudgetOption = None,
    price: PriceOption = None,
    confirm: ConfirmOption = None,
    risk: RiskOption = None,
    analyzer: AnalyzerOption = None,
    secrets: SecretsOption = None,
    repository: Annotated[
        str | None,
        typer.Option("--repo", metavar="URL|PATH", help="A git repository to clone into the workspace."),
    ] = None,
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="B", help="The repository's branch to check out.")
    ] = None,
    instructions: Annotated[
        str, typer.Option("--instructions", metavar="TEXT", help="What the agent is told beside its task.")
    ] = "",
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    if not task.strip():
        raise WrongUsage("the task is empty; say what the agent is to do")
    configured = configure(
        config,
        options={
            "agent": agent,
            "model": model,
            "base_url": base_url,
            "price": parse_price(price),
            "sandbox": sandbox or ("remote" if runner is not None else None),
            **surroundings(
                network=network, environment=env, mounts=mount, runner=runner, runner_ca=runner_ca
            ),
            "confirm": parse_confirm(confirm),
            "risk": parse_risk(risk),
            "analyzer": analyzer,
            "limits.iterations": iterations_max,
            "limits.budget_usd": budget,
            "repository": repository,
            "branch": branch,
        },
    )
    configuration = configured.configuration
    options = configuration.options()
    options["agents"] = _overruled(configuration.agents, configuration.agent, model, iterations_max, budget)
    if repository is not None and branch is None:
        options["branch"] = None  # That of the configuration is of another repository.
    options["sandbox"], warning = choose_sandbox(configuration.sandbox)
    watcher = Watcher(json=json)
    with watcher.system(Home(home)) as system:
        options["secrets"] = dict.fromkeys(secrets or (), "") | configuration.secrets
        options["workspace"], options["instructions"] = workspace, instructions
        started = system.start(task, session=session, **options)
        if warning is not None:
            watcher.warn(warning)
        return drive(system, started, watcher)


def _overruled(
    agents: dict[str, AgentSettings],
    agent: str,
    model: str | None,
    iterations_max: int | None,
    budget: float | None,
) -> dict[str, AgentSettings]:
    """Return the agents, where options of the command beat what they say of the session's own."""
    own = agents.get(agent)
    if own is None:
        return agents
    overruled = replace(
        own,
        model=own.model if model is None else None,
        iterations_max=own.iterations_max if iterations_max is None else None,
        budget_usd=own.budget_usd if budget is None else None,
    )
    return agents | {agent: overruled}


def resume(
    session: SessionArgument,
    message: Annotated[
        str | None, typer.Option("--message", "-m", metavar="TEXT", help="Say this to the agent as well.")
    ] = None,
    model: ModelOption = None,
    base_url: BaseUrlOption = None,
    iterations_max: IterationsOption = None,
    budget: BudgetOption = None,
    price: PriceOption = None,
    confirm: ConfirmOption = None,
    risk: RiskOption = None,
    analyzer: AnalyzerOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    if message is not None and not message.strip():
        raise WrongUsage("the message is empty; say what the agent is to hear")
    change = SettingsChanged(
        base_url=base_url,
        price=parse_price(price),
        confirm=parse_confirm(confirm),
        risk=parse_risk(risk),
        analyzer=analyzer,
        iterations_max=iterations_max,
        budget_usd=budget,
        by="user",
    )
    if model is not None:
        change = _with_model(change, model)
    commands: list[Command] = []
    if change != SettingsChanged(by="user"):
        commands.append(ChangeSettings(**given(), fact=change))
    if message is not None:
        commands.append(SendMessage(**given(), fact=MessageReceived(content=message, by="user")))
    place, watcher = Home(home), Watcher(json=json)
    check_home(place)
    with watcher.system(place) as system:
        return take_up(system, watcher, session, commands, from_version_now=True)


def _with_model(change: SettingsChanged, name: str) -> SettingsChanged:
    """Return the change with the model called `name`: a provider's, or one that the configuration names."""
    if "/" in name or name.startswith("script:"):
        return replace(change, model=model_name(name))
    configuration = configure().configuration
    chosen = choose_model(
        name,
        configuration.models,
        base_url=change.base_url,
        price=change.price,
        prices=configuration.prices,
    )
    return replace(
        change,
        model=chosen.model,
        base_url=chosen.base_url,
        price=chosen.price,
        key_env=chosen.key_env,
        parameters=chosen.parameters,
    )


def take_up(
    system: System, watcher: Watcher, session: str, commands: list[Command], *, from_version_now: bool
) -> int:
    """Claim a session with these commands and drive it; one that owes nothing is left as it is."""
    state = system.state(session)
    if state.agent.state == "paused" and not state.life.imported:
        commands.insert(0, ResumeAgent(**given()))
    asked = watcher.interactive and state.agent.state in ASKING
    if not commands and owes_nothing(state) and not asked:
        if driver_of(system.home, system.log, session) is not None:
            raise driven_error(system.log, session)
        if system.is_over(session):  # Whoever drove it may have been killed before it ended the runner.
            system.end_runner(session)
        watcher.rested(system, session, state)
        return exit_code(state.agent.state)
    resumed = system.resume(session, *commands)
    return drive(system, resumed, watcher, after=state.version if from_version_now else -1)


def owes_nothing(state: State) -> bool:
    """Whether nothing would happen if somebody drove the session."""
    settled = state.hands.started is None and not state.start.releasing
    return settled and not state.life.imported and state.agent.state in RESTING


def parse_price(text: str | None) -> Price | None:
    if text is None:
        return None
    try:
        prompt, completion = (float(part) for part in text.split(","))
    except ValueError:
        raise WrongUsage(
            f"--price {text!r} is not two numbers: write IN,OUT in USD per million tokens"
        ) from None
    if not (0 <= prompt < math.inf and 0 <= completion < math.inf):
        raise WrongUsage(f"--price {text!r} is no price: write two numbers, neither of them below 0")
    return Price(prompt=prompt, completion=completion)


def parse_confirm(text: str | None) -> ConfirmationPolicy | None:
    if text is not None and text not in get_args(ConfirmationPolicy.__value__):
        raise WrongUsage(f"--confirm {text!r} is unknown; it is never, always, risky or unknown")
    return cast("ConfirmationPolicy | None", text)


def parse_risk(text: str | None) -> Threshold | None:
    if text is not None and text not in get_args(Threshold.__value__):
        raise WrongUsage(f"--risk {text!r} is no risk; it is low, medium or high")
    return cast("Threshold | None", text)
