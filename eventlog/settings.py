"""What a session was told to be: every choice that its decisions depend on, recorded with its start."""

from typing import Literal

from msgspec import Struct

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


class Settings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration of one session; secrets stand in it by name only.

    `model` is `openai/NAME`, `anthropic/NAME` or `script:FILE`; None for a session that never asks one.
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
