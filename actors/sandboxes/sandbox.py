"""Where commands run: a sandbox gives the command line that starts the executor inside it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from refold.eventlog.runtime_settings import Limits, RuntimeSettings


class Confinement(Struct, frozen=True, kw_only=True):
    """What a session asks of its sandbox.

    `hidden` are folders that must not be seen from inside, even where they lie beneath the workspace; `scope`
    names the session among all sessions of all homes.
    """

    workspace: Path
    network: bool = False
    hidden: tuple[Path, ...] = ()
    settings: RuntimeSettings = RuntimeSettings()
    scope: str = ""


class Sandbox(Protocol):
    """One way to confine the executor."""

    @property
    def name(self) -> str: ...

    @property
    def isolated(self) -> bool:
        """Whether it keeps commands from the rest of the machine."""
        ...

    @property
    def own_limits(self) -> frozenset[str]:
        """Names of the limits that it holds by itself, for all commands together."""
        ...

    def unavailable(self) -> str | None:
        """Return why it cannot be used on this machine, in words that a person can act on; None if it can."""
        ...

    def refusal(self, confinement: Confinement) -> str | None:
        """Return what of this it cannot keep, and what to do instead; None if it can keep all of it."""
        ...

    def workspace(self, confinement: Confinement) -> str:
        """Return where the workspace lies, seen from inside."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Return what the shell's environment begins with; nothing else of the driver's gets in."""
        ...

    def command(self, confinement: Confinement) -> Sequence[str]:
        """Return the command line that starts the executor inside."""
        ...


OPEN_FILES_MIN = 256
"""The shell has descriptors of its own above 200, out of the way of commands."""


def refusal(sandbox: Sandbox, confinement: Confinement) -> str | None:
    """Return what of this nobody could keep, or this sandbox cannot; None if it can keep all of it."""
    for name, wrong in limits_refused(confinement.settings.limits):
        return f"limits.{name} {wrong}"
    return sandbox.refusal(confinement)


def limits_refused(limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield the limits under which nothing could run, with what is wrong."""
    for name in limits.__struct_fields__:
        most: int | None = getattr(limits, name)
        if most is not None and most < 1:
            yield name, f"is {most}, which leaves nothing; it must be at least 1, or be left out"
        elif most is not None and name == "open_files" and most < OPEN_FILES_MIN:
            yield name, f"is {most}; the shell needs at least {OPEN_FILES_MIN}"


class SandboxUnavailable(Exception):
    """The sandbox that was asked for does not work here; nothing was started."""


def is_isolated(name: str) -> bool:
    """Whether a sandbox of this name keeps commands from the machine: all but `local` do."""
    return name != "local"
