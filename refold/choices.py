"""What a session may be told at its start, keyword by keyword; `begin` says what holds by default."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from refold.eventlog.condensers import Condenser
from refold.eventlog.risk import Threshold
from refold.eventlog.runtime_settings import RuntimeSettings
from refold.eventlog.settings import (
    AgentSettings,
    ConfirmationPolicy,
    MCPServer,
    ModelSettings,
    Price,
    Purpose,
)


class Choices(TypedDict, total=False):
    """Everything but the model and the sandbox, which the front door finds where nobody names one."""

    workspace: str | os.PathLike[str] | None
    base_url: str | None
    price: Price | None
    network: bool
    confirm: ConfirmationPolicy
    risk: Threshold
    analyzer: str | None
    iterations_max: int
    budget_usd: float | None
    action_timeout_s: float
    silence_timeout_s: float
    start_timeout_s: float
    retries_max: int
    repairs_max: int
    models: Mapping[str, ModelSettings] | None
    purposes: Mapping[Purpose, str] | None
    prices: Mapping[str, Price] | None
    secrets: Mapping[str, str] | Iterable[str]
    condenser: Condenser | None
    mcp: Sequence[MCPServer]
    runtime: RuntimeSettings | None
    parallel_max: int
    ipython: bool
    repository: str | None
    branch: str | None
    instructions: str
    agent: str
    agents: Mapping[str, AgentSettings] | None
    delegation_depth: int


class AllChoices(Choices, total=False):
    """What a configuration comes to: keywords of `System.start`."""

    model: str | None
    sandbox: str | None
