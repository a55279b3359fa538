"""What a user may set for sessions to come: the keys, and what holds by default.

A key is set in a TOML file, by an environment variable or by an option of the command line, which
`refold/layers.py` puts together. What a session starts with is recorded in it, and follows no file.
"""

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict

from refold.choices import AllChoices
from refold.eventlog.condensers import DEFAULT as CONDENSER
from refold.eventlog.condensers import Condenser
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
    MCPTarget,
    ModelSettings,
    Price,
    Purpose,
)

type Count = Annotated[int, Meta(ge=1)]
type Retries = Annotated[int, Meta(ge=0)]
type Depth = Annotated[int, Meta(ge=0)]
type Seconds = Annotated[float, Meta(gt=0)]
type Dollars = Annotated[float, Meta(gt=0)]


class Limits(Struct, frozen=True, kw_only=True):
    """How far a session may go before a person is asked; times in seconds."""

    iterations: Count = ITERATIONS_MAX
    budget_usd: Dollars | None = None
    action_timeout_s: Seconds = ACTION_TIMEOUT_S
    silence_timeout_s: Seconds = SILENCE_TIMEOUT_S
    start_timeout_s: Seconds = START_TIMEOUT_S
    """Of each step of the start."""
    retries: Retries = 5
    repairs: Retries = 5
    parallel: Count = PARALLEL_MAX


class Configuration(Struct, frozen=True, kw_only=True):
    """All keys. `model` is a provider's model or one of `models`; so is what `purposes` name."""

    model: str | None = None
    base_url: str | None = None
    price: Price | None = None
    sandbox: str | None = None
    network: bool = False
    confirm: ConfirmationPolicy = "never"
    risk: Threshold = "medium"
    analyzer: str | None = None
    limits: Limits = Limits()
    models: dict[str, ModelSettings] = {}
    purposes: dict[Purpose, str] = {}
    prices: dict[str, Price] = {}
    repository: str | None = None
    """What is cloned into the workspace: an address, or a path."""
    branch: str | None = None
    agent: str = "codeact"
    agents: dict[str, AgentSettings] = {}
    delegation_depth: Depth = DELEGATION_DEPTH
    secrets: dict[str, str] = {}
    """Environment variables that hold secrets, with what the agent is told of each."""
    mcp: dict[str, MCPTarget] = {}
    ipython: bool = False
    runtime: RuntimeSettings = RuntimeSettings()

    condenser: Condenser = CONDENSER

    def options(self) -> AllChoices:
        """Return these choices as the keywords of `System.start`."""
        return {
            "model": self.model,
            "base_url": self.base_url,
            "price": self.price,
            "sandbox": self.sandbox,
            "network": self.network,
            "confirm": self.confirm,
            "risk": self.risk,
            "analyzer": self.analyzer,
            "iterations_max": self.limits.iterations,
            "budget_usd": self.limits.budget_usd,
            "action_timeout_s": self.limits.action_timeout_s,
            "silence_timeout_s": self.limits.silence_timeout_s,
            "start_timeout_s": self.limits.start_timeout_s,
            "retries_max": self.limits.retries,
            "repairs_max": self.limits.repairs,
            "parallel_max": self.limits.parallel,
            "ipython": self.ipython,
            "models": self.models,
            "purposes": self.purposes,
            "prices": self.prices,
            "condenser": self.condenser,
            "repository": self.repository,
            "branch": self.branch,
            "agent": self.agent,
            "agents": self.agents,
            "delegation_depth": self.delegation_depth,
            "secrets": self.secrets,
            "mcp": tuple(MCPServer(name=name, **asdict(server)) for name, server in self.mcp.items()),
            "runtime": self.runtime,
        }
