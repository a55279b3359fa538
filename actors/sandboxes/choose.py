"""The sandbox for a session: the one that was asked for, else the best that works here."""

from refold.actors.sandboxes.bubblewrap import Bubblewrap
from refold.actors.sandboxes.docker import Docker
from refold.actors.sandboxes.local import WARNING, Local
from refold.actors.sandboxes.sandbox import Sandbox, SandboxUnavailable

SANDBOXES: dict[str, Sandbox] = {sandbox.name: sandbox for sandbox in (Bubblewrap(), Docker(), Local())}
"""Every sandbox of ours by its name."""


def choose(name: str | None = None) -> tuple[Sandbox, str | None]:
    """Return a sandbox that works and, if it isolates nothing, one line that says so.

    Raises `SandboxUnavailable` when the one asked for does not exist or does not work here.
    """
    if name is not None:
        if (sandbox := SANDBOXES.get(name)) is None:
            raise SandboxUnavailable(
                f"there is no sandbox {name!r}; there are: {', '.join(sorted(SANDBOXES))}"
            )
        if (reason := sandbox.unavailable()) is not None:
            raise SandboxUnavailable(f"sandbox {name}: {reason}")
        return sandbox, None if sandbox.isolated else WARNING
    bubblewrap, local = SANDBOXES["bubblewrap"], SANDBOXES["local"]
    if (reason := bubblewrap.unavailable()) is None:
        return bubblewrap, None
    return local, f"{WARNING} ({reason})"
