"""From what a user asks for to the settings that a session starts with."""

import math
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from refold.actors.models.prices import own_price, price_of
from refold.actors.runner import git
from refold.actors.runtimes.registry import RuntimeUnknown
from refold.actors.runtimes.registry import runtime as runtime_named
from refold.actors.sandboxes.choose import SANDBOXES, choose
from refold.actors.sandboxes.sandbox import SandboxUnavailable
from refold.actors.servers.client import is_installed
from refold.agents import employ, own_choices
from refold.configuration import Configuration
from refold.errors import WrongUsage
from refold.eventlog.condensers import DEFAULT as CONDENSER
from refold.eventlog.condensers import Condenser, Summary, complaint, each
from refold.eventlog.risk import Threshold
from refold.eventlog.runtime_settings import RuntimeSettings
from refold.eventlog.settings import (
    ACTION_TIMEOUT_S,
    DELEGATION_DEPTH,
    ITERATIONS_MAX,
    PARALLEL_MAX,
    SILENCE_TIMEOUT_S,
    START_TIMEOUT_S,
    AgentSettings,
    ConfirmationPolicy,
    MCPServer,
    ModelSettings,
    Price,
    Purpose,
    Settings,
    named,
)
from refold.home import Home
from refold.usable import check_usable, wrong_model, wrong_url

_SCRIPT = "script:"


def new_name() -> str:
    """Return a name for a session that sorts by when it was made."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"


def model_name(name: str | None, folder: Path | None = None) -> str | None:
    """Return a model's name as it is recorded: a script's path is absolute, so that it stays the same."""
    if name is None or not name.startswith(_SCRIPT):
        return name
    path = Path(name.removeprefix(_SCRIPT)).expanduser()
    return f"{_SCRIPT}{path.absolute() if folder is None else folder / path}"


def check_budget(model: str | None, price: Price | None, budget_usd: float | None) -> None:
    """Raise `WrongUsage` for a budget that nobody could check, or that leaves no step."""
    if budget_usd is not None and not (math.isfinite(budget_usd) and budget_usd > 0):
        raise WrongUsage(f"a budget of {budget_usd:g} USD was asked for; it must be a sum above 0")
    if budget_usd is not None and price is None and (model is None or price_of(model) is None):
        raise WrongUsage(
            f"a budget of {budget_usd:g} USD was asked for, but the price of {model or 'no model'} is "
            "unknown: give it with --price IN,OUT (USD per million tokens)"
        )


def check_servers(servers: Sequence[MCPServer], environment: Mapping[str, str]) -> None:
    """Raise `WrongUsage` for servers of tools that nobody could start or reach from here."""
    if servers and not is_installed():
        raise WrongUsage("MCP servers need an extra: install refold[mcp]")
    for server in servers:
        needed = dict.fromkeys((*server.env, *server.headers.values()))
        if missing := [variable for variable in needed if variable not in environment]:
            raise WrongUsage(
                f"MCP server {server.name!r} needs variables that are not in the environment: "
                f"{', '.join(missing)}; set them and try again"
            )
    twice = [name for name, count in Counter(server.name for server in servers).items() if count > 1]
    if twice:
        raise WrongUsage(f"two MCP servers are named {twice[0]!r}")


def choose_sandbox(name: str | None) -> tuple[str, str | None]:
    """Return the runtime to use and, if it isolates nothing, one line that says so. Raises `WrongUsage`."""
    try:
        if name is None or name in SANDBOXES:
            sandbox, warning = choose(name)
            return sandbox.name, warning
        reason = runtime_named(name).unavailable()
    except (SandboxUnavailable, RuntimeUnknown) as error:
        raise WrongUsage(str(error)) from error
    if reason is not None:
        raise WrongUsage(f"sandbox {name}: {reason}")
    return name, None


def begin(  # noqa: PLR0913 - options, all of them named
    home: Home,
    session: str,
    *,
    model: str | None,
    sandbox: str,
    workspace: str | os.PathLike[str] | None = None,
    base_url: str | None = None,
    price: Price | None = None,
    network: bool = False,
    confirm: ConfirmationPolicy = "never",
    risk: Threshold = "medium",
    analyzer: str | None = None,
    iterations_max: int = ITERATIONS_MAX,
    budget_usd: float | None = None,
    action_timeout_s: float = ACTION_TIMEOUT_S,
    silence_timeout_s: float = SILENCE_TIMEOUT_S,
    start_timeout_s: float = START_TIMEOUT_S,
    retries_max: int = 5,
    repairs_max: int = 5,
    models: Mapping[str, ModelSettings] | None = None,
    purposes: Mapping[Purpose, str] | None = None,
    prices: Mapping[str, Price] | None = None,
    secrets: Mapping[str, str] | Iterable[str] = (),
    condenser: Condenser | None = None,
    mcp: Sequence[MCPServer] = (),
    runtime: RuntimeSettings | None = None,
    parallel_max: int = PARALLEL_MAX,
    ipython: bool = False,
    repository: str | None = None,
    branch: str | None = None,
    instructions: str = "",
    agent: str = "codeact",
    agents: Mapping[str, AgentSettings] | None = None,
    delegation_depth: int = DELEGATION_DEPTH,
) -> Settings:
    """Return the settings of a new session; its workspace, if none is given, is made when it is launched.

    `model` and `purposes` may name `models`; `prices` are the user's own, before those that are known.
    Raises `WrongUsage`.
    """
    runtime, hidden = runtime or RuntimeSettings(), dict.fromkeys(secrets, "")
    check_usable(
        Configuration(
            model=model,
            base_url=base_url,
            price=price,
            sandbox=sandbox,
            network=network,
            analyzer=analyzer,
            models=dict(models or {}),
            purposes=dict(purposes or {}),
            prices=dict(prices or {}),
            agent=agent,
            agents=dict(agents or {}),
            secrets=hidden,
            mcp={server.name: server for server in mcp},
            runtime=runtime,
            condenser=condenser or CONDENSER,
            repository=repository,
            branch=branch,
        )
    )
    registry = {name: _priced(each, prices) for name, each in (models or {}).items()}
    team = {name: _staffed(name, each, registry, prices, budget_usd) for name, each in (agents or {}).items()}
    own = own_choices(agent, team)
    model, budget_usd = own.get("model", model), own.get("budget_usd", budget_usd)
    iterations_max = own.get("iterations_max", iterations_max)
    chosen = ModelSettings(model="")
    if model is not None:
        chosen = choose_model(model, registry, base_url=base_url, price=price, prices=prices)
    registry |= summarisers(condenser or CONDENSER, registry, purposes, prices, budget_usd)
    check_budget(chosen.model or None, chosen.price, budget_usd)
    if iterations_max < 1:
        raise WrongUsage(f"a limit of {iterations_max} iterations leaves no step; it must be at least 1")
    settings = Settings(
        model=chosen.model or None,
        workspace=str(_workspace(home, session, workspace)),
        sandbox=sandbox,
        base_url=chosen.base_url,
        price=chosen.price,
        key_env=chosen.key_env,
        parameters=chosen.parameters,
        models=registry,
        purposes=dict(purposes or {}),
        network=network,
        confirm=confirm,
        risk=risk,
        analyzer=analyzer,
        iterations_max=iterations_max,
        budget_usd=budget_usd,
        action_timeout_s=action_timeout_s,
        silence_timeout_s=silence_timeout_s,
        start_timeout_s=start_timeout_s,
        retries_max=retries_max,
        repairs_max=repairs_max,
        condenser=condenser or CONDENSER,
        repository=None if repository is None else repository_of(repository),
        branch=branch,
        instructions=instructions,
        secrets=tuple(hidden),
        secret_descriptions=_descriptions(secrets),
        mcp=tuple(mcp),
        runtime=_absolute(runtime),
        parallel_max=parallel_max,
        ipython=ipython,
    )
    return employ(settings, agent, team, delegation_depth=delegation_depth)


def _staffed(
    name: str,
    agent: AgentSettings,
    registry: dict[str, ModelSettings],
    prices: Mapping[str, Price] | None,
    budget_usd: float | None,
) -> AgentSettings:
    """Return an agent whose model, if it has one of its own, stands in the registry."""
    if agent.model is None:
        return agent
    chosen = choose_model(agent.model, registry, prices=prices, of=f"agents.{name}.model")
    check_budget(chosen.model, chosen.price, agent.budget_usd or budget_usd)
    if agent.model in registry:
        return agent
    registry[chosen.model] = chosen
    return replace(agent, model=chosen.model)


def summarisers(
    condenser: Condenser,
    models: Mapping[str, ModelSettings],
    purposes: Mapping[Purpose, str] | None,
    prices: Mapping[str, Price] | None,
    budget_usd: float | None,
) -> dict[str, ModelSettings]:
    """Return the models that are to sum up, under the names by which they are asked for.

    Raises `WrongUsage` for a condenser that could not do its work, or whose work no budget could count.
    """
    found: dict[str, ModelSettings] = {}
    if wrong := complaint(condenser):
        raise WrongUsage(wrong)
    for one in each(condenser):
        name = one.model or (purposes or {}).get("condense") if isinstance(one, Summary) else None
        if name is not None:
            chosen = choose_model(name, models, prices=prices, of="condenser.model")
            check_budget(chosen.model, chosen.price, budget_usd)
            found[name] = chosen
    return found


def _descriptions(secrets: Mapping[str, str] | Iterable[str]) -> dict[str, str]:
    if not isinstance(secrets, Mapping):
        return {}
    return {name: text for name, text in cast("Mapping[str, str]", secrets).items() if text}


def choose_model(  # noqa: PLR0913 - options, all of them named
    name: str,
    models: Mapping[str, ModelSettings],
    *,
    base_url: str | None = None,
    price: Price | None = None,
    prices: Mapping[str, Price] | None = None,
    of: str = "model",
) -> ModelSettings:
    """Return the model called `name`, one of `models` or a provider's, with what was given beside it.

    Raises `WrongUsage` for a name that is neither.
    """
    if (wrong := wrong_model(name, models)) is not None:
        raise WrongUsage(f"{of} {wrong}")
    chosen = named(name, models)
    chosen = replace(
        chosen,
        model=str(model_name(chosen.model)),
        base_url=base_url or chosen.base_url,
        price=price or chosen.price,
    )
    if chosen.base_url is not None and (wrong := wrong_url(chosen.base_url)) is not None:
        raise WrongUsage(f"base_url {wrong}")
    return _priced(chosen, prices)


def _priced(model: ModelSettings, prices: Mapping[str, Price] | None) -> ModelSettings:
    """Return a model at the price that the user's own table gives it, unless it has one."""
    if model.price is not None or not prices:
        return model
    return replace(model, price=own_price(model.model, prices))


def _absolute(runtime: RuntimeSettings) -> RuntimeSettings:
    """Return the settings with paths that mean the same from everywhere."""
    remote = runtime.remote
    files = {
        name: None if path is None else str(Path(path).expanduser().absolute())
        for name, path in (("token_file", remote.token_file), ("ca_file", remote.ca_file))
    }
    mounts = tuple(
        replace(mount, source=str(Path(mount.source).expanduser().absolute())) for mount in runtime.mounts
    )
    if any(files.values()):
        runtime = replace(runtime, remote=replace(remote, **files))
    return replace(runtime, mounts=mounts) if mounts else runtime


def repository_of(given: str) -> str:
    """Return what is cloned, as it is recorded: an address as it is, a path as an absolute one.

    Raises `WrongUsage`.
    """
    path = Path(given).expanduser()
    if "://" not in given and path.exists():
        return str(path.absolute())
    if (reason := git.refusal(given)) is not None or given.startswith("/"):
        raise WrongUsage(reason or f"there is no repository at {given}")
    return given


def _workspace(home: Home, session: str, given: str | os.PathLike[str] | None) -> Path:
    if given is None:
        return home.workspace(session)
    folder = Path(given).expanduser().absolute()
    try:
        is_there = folder.is_dir()
    except OSError as error:
        raise WrongUsage(
            f"the workspace {folder} cannot be looked at ({error.strerror}); name another folder"
        ) from error
    if not is_there:
        raise WrongUsage(f"the workspace {folder} is not a folder; make it first, or leave --workspace out")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise WrongUsage(f"the workspace {folder} cannot be read and written by this user")
    ours = home.path.resolve()
    if folder.resolve() in {ours, *ours.glob("*")}:
        raise WrongUsage(
            f"the workspace {folder} is Refold's own; name another folder, or leave --workspace out"
        )
    return folder
