"""From a model's name to a model that can be asked."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from refold.actors.models.port import Model, ModelUnavailable
from refold.eventlog.settings import Price

_PLACEHOLDER_KEY = "no-key-needed"
_KEY_NAMES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
_BASE_URL_NAMES = {"openai": "OPENAI_BASE_URL", "anthropic": "ANTHROPIC_BASE_URL"}


def open_model(
    name: str,
    *,
    base_url: str | None,
    price: Price | None,
    environment: Mapping[str, str],
    key_env: str | None = None,
) -> Model:
    """Return the model called `name`; no request is made and no client imported before it is asked.

    Raises `ModelUnavailable` where asking could not succeed. Keys are read from `environment`, so that
    nothing depends on the process's own: under `key_env` where it is given. A server of the user's
    (`base_url`) may need none.
    """
    prefix, _, rest = name.partition(":" if name.startswith("script:") else "/")
    match prefix:
        case "script" if rest:
            from refold.actors.models.script import ScriptModel  # noqa: PLC0415 - only what is used

            return ScriptModel(Path(rest), price=price)
        case "openai" | "anthropic" if rest:
            return _open_provider(
                prefix, rest, base_url=base_url, price=price, environment=environment, key_env=key_env
            )
        case _:
            raise ModelUnavailable(
                f"unknown model {name!r}: write openai/NAME, anthropic/NAME or script:FILE"
            )


def is_providers(name: str) -> bool:
    """Whether a name says whom to ask; nobody may be there."""
    prefix, _, rest = name.partition(":" if name.startswith("script:") else "/")
    return bool(rest) and prefix in {"script", *_KEY_NAMES}


def _open_provider(  # noqa: PLR0913 - all of them named
    provider: str,
    name: str,
    *,
    base_url: str | None,
    price: Price | None,
    environment: Mapping[str, str],
    key_env: str | None,
) -> Model:
    if importlib.util.find_spec(provider) is None:
        raise ModelUnavailable(
            f"{provider}/{name} needs the {provider} client, which is not installed: "
            f"pip install 'refold[{provider}]'"
        )
    base_url = base_url or environment.get(_BASE_URL_NAMES[provider]) or None
    key_name = key_env or _KEY_NAMES[provider]
    key = environment.get(key_name) or (_PLACEHOLDER_KEY if base_url and key_env is None else "")
    if not key:
        raise ModelUnavailable(
            f"{provider}/{name} needs a key: set {key_name}, or name a server that needs none with --base-url"
        )
    if provider == "openai":
        from refold.actors.models.openai_chat import OpenAIChatModel  # noqa: PLC0415 - only what is used

        return OpenAIChatModel(name, base_url=base_url, key=key, price=price)
    from refold.actors.models.anthropic_messages import (  # noqa: PLC0415 - only what is used
        AnthropicMessagesModel,
    )

    return AnthropicMessagesModel(name, base_url=base_url, key=key, price=price)
