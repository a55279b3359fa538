"""What a session was told to be: every choice that its decisions depend on, recorded with its start."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from refold.eventlog.condensers import DEFAULT as CONDENSER
from refold.eventlog.condensers import Condenser
from refold.eventlog.risk import Threshold
from refold.eventlog.runtime_settings import RuntimeSettings

type ConfirmationPolicy = Literal["never", "always", "risky", "unknown"]

ITERATIONS_MAX = 500
ACTION_TIMEOUT_S = 120.0
SILENCE_TIMEOUT_S = 30.0
PARALLEL_MAX = 4
START_TIMEOUT_S = 600.0
DELEGATION_DEPTH = 2


class Price(Struct, frozen=True, omit_defaults=True):
    """USD per million tokens; what is cached costs as any prompt where nothing else is said."""

    prompt: float
    completion: float
    cached: float | None = None
    cache_written: float | None = None


type Purpose = Literal["step", "condense"]
"""What a model is asked for: the agent's next step, or a summary of what is forgotten."""


class ModelSettings(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A model under a name of the user's own.

    `key_env` names the environment variable that holds its key, where it is not the provider's usual one;
    `parameters` are sent with every request, as the provider names them.
    """

    model: str
    base_url: str | None = None
    price: Price | None = None
    key_env: str | None = None
    parameters: dict[str, Any] = {}


class Role(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a user's own agent is told and offered, as it was when the session started.

    It `reads` answers in its own way, or in ours; `missing` says why it could not be had.
    """

    prompt: str = ""
    tools: tuple[str, ...] = ()
    reads: bool = False
    missing: str = ""


class AgentSettings(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An agent that may be delegated to, under a name of the user's own; what is None comes from its parent.

    `agent` is one of ours or a user's by `MODULE:NAME`, by default what the name says. `model` is one
    of the `models` or the provider's own name; `tools` are those it may have of its agent's. It is granted
    at most `iterations_max` and `budget_usd`, and never more than its parent has left.
    """

    agent: str | None = None
    description: str = ""
    model: str | None = None
    iterations_max: int | None = None
    budget_usd: float | None = None
    tools: tuple[str, ...] | None = None
    role: Role | None = None
    """Filled in at the start, for a user's own."""


class MCPTarget(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where tools are offered over the Model Context Protocol: a `command` that is started, or a `url`.

    It stands outside the sandbox. `env` names what it gets of the driver's environment beside the usual;
    `headers` gives for each header of a request the environment variable that holds its value. `tools` are
    those that may be offered, None for all. One time limit is for its start and listing, one for a call.
    """

    command: str | None = None
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    url: str | None = None
    headers: dict[str, str] = {}
    tools: tuple[str, ...] | None = None
    start_timeout_s: float = 30.0
    timeout_s: float = 120.0


class MCPServer(MCPTarget, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A server of tools, under a name of the user's own."""

    name: str


class Settings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration of one session; secrets stand in it by name only.

    `model` is `openai/NAME`, `anthropic/NAME` or `script:FILE`; None for a session that never asks one.
    `base_url`, `price`, `key_env` and `parameters` are that model's. `models` are those that other agents and
    purposes name; a purpose that `purposes` does not name is served by `model`. `agents` are those that may
    be delegated to, `delegation_depth` levels deep at most. `role` is recorded of a user's own `agent`;
    `tools` are those that it may have of its own, all where None.
    """

    model: str | None
    workspace: str
    sandbox: str
    agent: str = "codeact"
    base_url: str | None = None
    price: Price | None = None
    network: bool = False
    confirm: ConfirmationPolicy = "never"
    risk: Threshold = "medium"
    """From which risk on an action is confirmed, where the policy asks for its risk."""
    analyzer: str | None = None
    """`rules`, `model`, `none`, or one's own as `MODULE:NAME`; None for what the policy needs."""
    iterations_max: int = ITERATIONS_MAX
    budget_usd: float | None = None
    action_timeout_s: float = ACTION_TIMEOUT_S
    silence_timeout_s: float = SILENCE_TIMEOUT_S
    retries_max: int = 5
    repairs_max: int = 5
    secrets: tuple[str, ...] = ()
    """Environment variables whose values are read by whoever claims the session, and masked everywhere."""
    secret_descriptions: dict[str, str] = {}
    """What the agent is told of a secret, by its name."""
    repository: str | None = None
    """What is cloned into the workspace: an address without credentials, or the path of a repository."""
    branch: str | None = None
    instructions: str = ""
    """What the agent is told beside its first message, whatever that is."""
    start_timeout_s: float = START_TIMEOUT_S
    """How long one step of the start may take."""
    key_env: str | None = None
    parameters: dict[str, Any] = {}
    models: dict[str, ModelSettings] = {}
    purposes: dict[Purpose, str] = {}
    role: Role | None = None
    tools: tuple[str, ...] | None = None
    agents: dict[str, AgentSettings] = {}
    delegation_depth: int = DELEGATION_DEPTH
    condenser: Condenser = CONDENSER
    """What is forgotten of a conversation that grows too long."""
    mcp: tuple[MCPServer, ...] = ()
    runtime: RuntimeSettings = RuntimeSettings()
    """What commands find around them, and how much they may use."""
    ipython: bool = False
    """Whether cells of Python are offered."""
    parallel_max: int = 1
    """Actions that may run side by side where all of them only look."""

    @property
    def place(self) -> str:
        """The workspace's path as the agent sees it, as far as it can be told before a runner says it."""
        match self.sandbox:
            case "local":
                return self.workspace
            case "bubblewrap" | "docker":
                return "/workspace"
            case _:
                return "."

    @property
    def analyzer_in_force(self) -> str:
        """Who assesses actions: a policy that asks for risks has the rules do it unless told otherwise."""
        return self.analyzer or ("rules" if self.confirm in {"risky", "unknown"} else "none")


def named(name: str, models: Mapping[str, ModelSettings]) -> ModelSettings:
    """Return the model that `name` means: one of `models`, else the provider's own name."""
    return models.get(name) or ModelSettings(model=name)


def with_model(settings: Settings, name: str) -> Settings:
    """Return the settings with everything that belongs to the model called `name` in place of the present."""
    model = named(name, settings.models)
    return replace(
        settings,
        model=model.model,
        base_url=model.base_url,
        price=model.price,
        key_env=model.key_env,
        parameters=model.parameters,
    )


def for_summary(settings: Settings, name: str | None) -> Settings:
    """Return the settings that a summary is asked for under: by the model of this name, if there is one."""
    return for_purpose(settings, "condense") if name is None else with_model(settings, name)


def for_purpose(settings: Settings, purpose: Purpose) -> Settings:
    """Return the settings that a question for `purpose` is asked under."""
    name = settings.purposes.get(purpose)
    return settings if name is None else with_model(settings, name)
