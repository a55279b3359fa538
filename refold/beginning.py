"""From what a user asks for to the settings that a session starts with."""

import math
import os
import secrets
import time
from pathlib import Path

from refold.actors.models.prices import price_of
from refold.actors.sandboxes.choose import choose
from refold.actors.sandboxes.sandbox import SandboxUnavailable
from refold.errors import WrongUsage
from refold.eventlog.settings import (
    ACTION_TIMEOUT_S,
    ITERATIONS_MAX,
    SILENCE_TIMEOUT_S,
    ConfirmationPolicy,
    Price,
    Settings,
)
from refold.home import Home

_SCRIPT = "script:"


def new_name() -> str:
    """Return a name for a session that sorts by when it was made."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"


def model_name(name: str | None) -> str | None:
    """Return a model's name as it is recorded: a script's path is absolute, so that it stays the same."""
    if name is None or not name.startswith(_SCRIPT):
        return name
    return f"{_SCRIPT}{Path(name.removeprefix(_SCRIPT)).expanduser().absolute()}"


def check_budget(model: str | None, price: Price | None, budget_usd: float | None) -> None:
    """Raise `WrongUsage` for a budget that nobody could check, or that leaves no step."""
    if budget_usd is not None and not (math.isfinite(budget_usd) and budget_usd > 0):
        raise WrongUsage(f"a budget of {budget_usd:g} USD was asked for; it must be a sum above 0")
    if budget_usd is not None and price is None and (model is None or price_of(model) is None):
        raise WrongUsage(
            f"a budget of {budget_usd:g} USD was asked for, but the price of {model or 'no model'} is "
            "unknown: give it with --price IN,OUT (USD per million tokens)"
        )


def choose_sandbox(name: str | None) -> tuple[str, str | None]:
    """Return the sandbox to use and, if it isolates nothing, one line that says so. Raises `WrongUsage`."""
    try:
        sandbox, warning = choose(name)
    except SandboxUnavailable as error:
        raise WrongUsage(str(error)) from error
    return sandbox.name, warning


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
    iterations_max: int = ITERATIONS_MAX,
    budget_usd: float | None = None,
    action_timeout_s: float = ACTION_TIMEOUT_S,
    silence_timeout_s: float = SILENCE_TIMEOUT_S,
) -> Settings:
    """Return the settings of a new session; its workspace, if none is given, is made when it is launched.

    Raises `WrongUsage`.
    """
    name = model_name(model)
    check_budget(name, price, budget_usd)
    if iterations_max < 1:
        raise WrongUsage(f"a limit of {iterations_max} iterations leaves no step; it must be at least 1")
    return Settings(
        model=name,
        workspace=str(_workspace(home, session, workspace)),
        sandbox=sandbox,
        base_url=base_url,
        price=price,
        network=network,
        confirm=confirm,
        iterations_max=iterations_max,
        budget_usd=budget_usd,
        action_timeout_s=action_timeout_s,
        silence_timeout_s=silence_timeout_s,
    )


def _workspace(home: Home, session: str, given: str | os.PathLike[str] | None) -> Path:
    if given is None:
        return home.workspace(session)
    folder = Path(given).expanduser().absolute()
    if not folder.is_dir():
        raise WrongUsage(f"the workspace {folder} is not a folder; make it first, or leave --workspace out")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise WrongUsage(f"the workspace {folder} cannot be read and written by this user")
    return folder
