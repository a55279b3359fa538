"""What the options about commands' surroundings mean, as keys of the configuration."""

from collections.abc import Sequence
from pathlib import Path

from refold.errors import WrongUsage
from refold.eventlog.runtime_settings import Mount


def surroundings(
    *,
    network: bool | None,
    environment: Sequence[str] | None,
    mounts: Sequence[str] | None,
    runner: str | None,
    runner_ca: Path | None,
) -> dict[str, object]:
    """Return the keys that were given; None for the others. Raises `WrongUsage`."""
    values = dict(_variable(each) for each in environment or () if "=" in each)
    names = tuple(each for each in environment or () if "=" not in each)
    return {
        "network": network or None,
        "runtime.offline": True if network is False else None,
        "runtime.variables": values or None,
        "runtime.variables_from": names or None,
        "runtime.mounts": tuple(_mount(each) for each in mounts or ()) or None,
        "runtime.remote.address": runner,
        "runtime.remote.ca_file": None if runner_ca is None else str(runner_ca),
    }


def _variable(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name:
        raise WrongUsage(f"--env {text!r} names no variable; write NAME=VALUE, or NAME to take it from here")
    return name, value


def _mount(text: str) -> Mount:
    source, _, rest = text.partition(":")
    target, _, mode = rest.partition(":")
    if not source or not target or mode not in {"", "ro", "rw"}:
        raise WrongUsage(f"--mount {text!r} is not SOURCE:TARGET, or SOURCE:TARGET:rw to let it be written")
    return Mount(source=source, target=target, writable=mode == "rw")
