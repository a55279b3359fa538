"""What a session was told to be: every choice that its decisions depend on, recorded with its start."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

type ConfirmationPolicy = Literal["never", "always"]

ITERATIONS_MAX = 500
ACTION_TIMEOUT_S = 120.0
SILENCE_TIMEOUT_S = 30.0


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


class Settings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration of one session; secrets stand in it by name only.

    `model` is `openai/NAME`, `anthropic/NAME` or `script:FILE`; None for a session that never asks one.
    `base_url`, `price`, `key_env` and `parameters` are that model's. `models` are those that other agents and
    purposes name; a purpose that `purposes` does not name is served by `model`.
    """

    model: str | None
    workspace: str
    sandbox: str
    agent: str = "codeact"
    base_url: str | None = None
    price: Price | None = None
    network: bool = False
    confirm: ConfirmationPolicy = "never"
    iterations_max: int = ITERATIONS_MAX
    budget_usd: float | None = None
    action_timeout_s: float = ACTION_TIMEOUT_S
    silence_timeout_s: float = SILENCE_TIMEOUT_S
    retries_max: int = 5
    repairs_max: int = 5
    secrets: tuple[str, ...] = ()
    key_env: str | None = None
    parameters: dict[str, Any] = {}
    models: dict[str, ModelSettings] = {}
    purposes: dict[Purpose, str] = {}


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


def for_purpose(settings: Settings, purpose: Purpose) -> Settings:
    """Return the settings that a question for `purpose` is asked under."""
    name = settings.purposes.get(purpose)
    return settings if name is None else with_model(settings, name)
