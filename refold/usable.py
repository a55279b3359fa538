"""Whether what a configuration says could be used: what the types of its keys do not say.

The same words are told to whoever looks at a configuration and to whoever starts a session with it. What
depends on the machine, such as a key of a model or a folder that is not there, is looked at by the start.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from refold.actors.agents.loading import is_own
from refold.actors.agents.registry import AGENTS
from refold.actors.models.registry import is_providers
from refold.actors.runtimes.registry import names as runtimes
from refold.actors.runtimes.wire import AddressRefused, address_of
from refold.actors.sandboxes.mounts import target_refused
from refold.actors.sandboxes.sandbox import limits_refused
from refold.actors.security.names import NAMES as ANALYZERS
from refold.actors.security.names import no_analyzer
from refold.actors.tools.server_tools import can_have
from refold.allowed import below, shown
from refold.configuration import Configuration
from refold.errors import WrongUsage
from refold.eventlog.condensers import Condenser, Pipeline, Summary, complaint
from refold.eventlog.runtime_settings import RuntimeSettings
from refold.eventlog.settings import AgentSettings, MCPTarget, ModelSettings, Price
from refold.secrets import is_variable, name_refused

type Complaint = tuple[str, str]
"""A key, and what is wrong with it."""

_SERVER = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HTTP = ("http://", "https://")
_OWN = "or yours by MODULE:NAME"


def check_usable(configuration: Configuration) -> None:
    """Raise `WrongUsage` with everything that could not be used."""
    if said := [f"{key} {what}" for key, what in complaints(configuration)]:
        raise WrongUsage("\n        ".join(said))


def complaints(configuration: Configuration) -> Iterator[Complaint]:
    """Yield what could not be used: each key, with what was found there and what is allowed."""
    models = configuration.models
    if configuration.model is not None:
        yield from _model("model", configuration.model, models)
    yield from _web("base_url", configuration.base_url)
    for name, model in models.items():
        if not is_providers(model.model):
            what = f"is {shown(model.model)}; it must be openai/NAME, anthropic/NAME or script:FILE"
            yield f"{below('models', name)}.model", what
        yield from _web(f"{below('models', name)}.base_url", model.base_url)
        yield from _plain(f"{below('models', name)}.parameters", model.parameters)
    for purpose, named in configuration.purposes.items():
        yield from _model(f"purposes.{purpose}", named, models)
    yield from _prices(configuration)
    yield from _condenser(configuration.condenser, models)
    yield from _agents(configuration)
    sandbox, analyzer = configuration.sandbox, configuration.analyzer
    if sandbox is not None and sandbox not in runtimes() and not _is_path(sandbox):
        yield "sandbox", f"is {shown(sandbox)}; it must be {', '.join(runtimes())}, {_OWN}"
    if analyzer is not None and no_analyzer(analyzer) is not None:
        yield "analyzer", f"is {shown(analyzer)}; it must be {', '.join(ANALYZERS)}, {_OWN}"
    for name, server in configuration.mcp.items():
        yield from _server(below("mcp", name), name, server)
    yield from _runtime(configuration.runtime)
    if configuration.network and configuration.runtime.offline:
        yield "runtime.offline", "is true, and network is true as well; leave one of them out"
    yield from _secrets(configuration)
    yield from _branch(configuration.repository, configuration.branch)


def wrong_model(name: str, models: Mapping[str, ModelSettings]) -> str | None:
    """Return what is wrong with a name that is neither one of `models` nor a provider's."""
    if name in models or is_providers(name):
        return None
    ours = f"one of [models], {', '.join(sorted(models))}" if models else "a name of [models]"
    return f"is {shown(name)}; it must be openai/NAME, anthropic/NAME, script:FILE, or {ours}"


def wrong_url(url: str) -> str | None:
    """Return what is wrong with an address that no request could be sent to."""
    return None if url.startswith(_HTTP) else f"is {shown(url)}; it must begin with http:// or https://"


def wrong_tools(
    agent: str, own: tuple[str, ...], tools: tuple[str, ...], servers: Iterable[str]
) -> Iterator[str]:
    """Say of each of `tools` that an agent with `own` ones cannot have, nor one of these `servers`, so."""
    servers = tuple(servers)
    for tool in tools:
        if not can_have(own, tool, servers):
            yield f"names {shown(tool)}; of the tools of {agent} it may have {', '.join(own)}"


def _model(key: str, name: str, models: Mapping[str, ModelSettings]) -> Iterator[Complaint]:
    if (wrong := wrong_model(name, models)) is not None:
        yield key, wrong


def _web(key: str, url: str | None) -> Iterator[Complaint]:
    if url is not None and (wrong := wrong_url(url)) is not None:
        yield key, wrong


def _plain(key: str, value: object) -> Iterator[Complaint]:
    """Look for what JSON cannot say, or not to everybody, in values of any kind."""
    match value:
        case dict():
            for name, each in cast("dict[str, object]", value).items():
                yield from _plain(below(key, name), each)
        case list() | tuple():
            for number, each in enumerate(cast("Sequence[object]", value), start=1):
                yield from _plain(f"{key}[{number}]", each)
        case int() if not -(2**63) <= value < 2**64:
            yield key, f"is {value}, a number of more than 64 bits; write it as a text, or leave it out"
        case str() | int() | None:
            pass
        case float() if math.isfinite(value):
            pass
        case _:
            yield key, f"is {shown(value)}, which JSON cannot say; write it otherwise, or leave it out"


def _prices(configuration: Configuration) -> Iterator[Complaint]:
    priced: dict[str, Price | None] = {"price": configuration.price}
    priced |= {f"{below('models', name)}.price": model.price for name, model in configuration.models.items()}
    priced |= {below("prices", name): price for name, price in configuration.prices.items()}
    for key, price in priced.items():
        for field in () if price is None else price.__struct_fields__:
            value: float | None = getattr(price, field)
            if value is not None and value < 0:
                yield f"{key}.{field}", f"is {shown(value)}; it must be a number of at least 0"


def _condenser(condenser: Condenser, models: Mapping[str, ModelSettings]) -> Iterator[Complaint]:
    if (wrong := complaint(condenser)) is not None:
        yield "condenser", f"cannot do its work: {wrong}"
    if isinstance(condenser, Summary) and condenser.model is not None:
        yield from _model("condenser.model", condenser.model, models)
    if isinstance(condenser, Pipeline):
        for number, one in enumerate(condenser.condensers, start=1):
            if isinstance(one, Summary) and one.model is not None:
                yield from _model(f"condenser.condensers[{number}].model", one.model, models)


def _agents(configuration: Configuration) -> Iterator[Complaint]:
    agents, ours = configuration.agents, ", ".join(sorted(AGENTS))
    agent = configuration.agent
    if agent not in agents and not _is_agent(agent):
        team = f", one of [agents], {', '.join(agents)}" if agents else ""
        yield "agent", f"is {shown(agent)}; it must be {ours}{team}, {_OWN}"
    for name, each in agents.items():
        key = below("agents", name)
        if not _is_agent(each.agent or name):
            found = "is missing" if each.agent is None else f"is {shown(each.agent)}"
            yield f"{key}.agent", f"{found}; it must be {ours}, {_OWN}"
        if each.model is not None:
            yield from _model(f"{key}.model", each.model, configuration.models)
        yield from _tools(f"{key}.tools", each.agent or name, each.tools or (), configuration.mcp)
        yield from _grant(key, each)


def _tools(
    key: str, agent: str, tools: tuple[str, ...], servers: Mapping[str, MCPTarget]
) -> Iterator[Complaint]:
    """Look at the tools that an agent of ours may have; those of one's own are known once it is loaded."""
    if (ours := AGENTS.get(agent)) is not None:
        yield from ((key, wrong) for wrong in wrong_tools(agent, ours.tools, tools, servers))


def _grant(key: str, agent: AgentSettings) -> Iterator[Complaint]:
    if agent.iterations_max is not None and agent.iterations_max < 1:
        yield (
            f"{key}.iterations_max",
            f"is {agent.iterations_max}, which leaves no step; it must be a whole number of at least 1",
        )
    if agent.budget_usd is not None and not 0 < agent.budget_usd < math.inf:
        yield f"{key}.budget_usd", f"is {shown(agent.budget_usd)}; it must be a number above 0"


def _server(key: str, name: str, server: MCPTarget) -> Iterator[Complaint]:
    if not _SERVER.fullmatch(name):
        yield key, "cannot name an MCP server: it takes 32 letters, digits, '_' and '-' at most"
    if (server.command is None) == (server.url is None):
        found = "neither command nor url" if server.command is None else "both command and url"
        yield key, f"has {found}; it needs a command or a url, and not both"
    yield from _web(f"{key}.url", server.url)
    for limit in ("start_timeout_s", "timeout_s"):
        seconds: float = getattr(server, limit)
        if not seconds > 0:
            yield f"{key}.{limit}", f"is {shown(seconds)}; it must be above 0"


def _runtime(runtime: RuntimeSettings) -> Iterator[Complaint]:
    for limit, wrong in limits_refused(runtime.limits):
        yield f"runtime.limits.{limit}", wrong
    for key, names in (("variables", runtime.variables), ("variables_from", runtime.variables_from)):
        for name in names:
            if not is_variable(name):
                yield f"runtime.{key}", f"names {shown(name)}, which no environment variable can be called"
    targets = [mount.target for mount in runtime.mounts]
    for number, mount in enumerate(runtime.mounts, start=1):
        if mount.target in targets[: number - 1]:
            yield f"runtime.mounts[{number}].target", f"is {shown(mount.target)}, as that of another mount"
        if (refused := target_refused(mount.target)) is not None:
            yield f"runtime.mounts[{number}].target", f"is {shown(mount.target)}; {refused}"
    yield from _plain("runtime.options", runtime.options)
    if runtime.remote.address:
        try:
            address_of(runtime.remote.address)
        except AddressRefused as error:
            yield "runtime.remote.address", f"cannot be used: {error}"
    if not runtime.hung_after_s > 0:
        yield "runtime.hung_after_s", f"is {shown(runtime.hung_after_s)}; it must be a number above 0"
    if not runtime.lease_s > 0:
        yield "runtime.lease_s", f"is {shown(runtime.lease_s)}; it must be a number above 0"
    if not runtime.remote.patience_s >= 0:
        found = shown(runtime.remote.patience_s)
        yield "runtime.remote.patience_s", f"is {found}; it must be a number of at least 0"
    if runtime.docker.cpus is not None and not runtime.docker.cpus > 0:
        yield "runtime.docker.cpus", f"is {shown(runtime.docker.cpus)}; it must be a number above 0"


def _secrets(configuration: Configuration) -> Iterator[Complaint]:
    runtime = configuration.runtime
    for name in configuration.secrets:
        if (wrong := name_refused(name)) is not None:
            yield below("secrets", name), wrong
        elif name in {*runtime.variables, *runtime.variables_from}:
            yield below("secrets", name), "is a secret and a variable of [runtime]; leave one of them out"


def _branch(repository: str | None, branch: str | None) -> Iterator[Complaint]:
    if repository is not None and not repository.strip():
        yield "repository", "is empty; name one by its address or path, or none"
    if branch is not None and repository is None:
        yield "branch", f"is {shown(branch)}, of no repository; name one by repository, or --repo"
    if branch is not None and (not branch.strip() or branch.startswith("-")):
        yield "branch", f"is {shown(branch)}, which cannot be checked out; name one that is there, or none"


def _is_agent(name: str) -> bool:
    return name in AGENTS or is_own(name)


def _is_path(name: str) -> bool:
    module, colon, attribute = name.partition(":")
    return bool(module and colon and attribute)
