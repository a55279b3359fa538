"""How a session's commands are run: what they find around them, how much they may use, and where they are."""

from typing import Any

from msgspec import Struct

PATIENCE_S = 30.0
LEASE_S = 86_400.0
HUNG_AFTER_S = 30.0
TOKEN_VARIABLE = "REFOLD_RUNNER_TOKEN"  # noqa: S105 - the name of a variable, not what is in it


class Mount(Struct, frozen=True, omit_defaults=True):
    """A file or folder of the machine, shown to commands as `target`; read-only unless `writable`."""

    source: str
    target: str
    writable: bool = False


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What commands may use; None leaves the machine's own limit."""

    cpu_s: int | None = None
    """Processor seconds of each process."""
    memory_bytes: int | None = None
    """Address space of each process; in a container, memory of all of them."""
    processes: int | None = None
    file_bytes: int | None = None
    """Size of each file that is written."""
    open_files: int | None = None
    """Descriptors of each process."""


class Remote(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A runner elsewhere: `tls://HOST:PORT`, or `tcp://HOST:PORT` on this machine.

    The server is known by a certificate authority (`ca_file`) or by the SHA-256 of its certificate
    (`fingerprint`); the token lies in a file or in an environment variable of the driver.
    """

    address: str = ""
    token_env: str = TOKEN_VARIABLE
    token_file: str | None = None
    ca_file: str | None = None
    fingerprint: str | None = None
    workspace: str | None = None
    """A folder below the server's own folder of workspaces; default one for each session."""
    patience_s: float = PATIENCE_S
    """How long a connection that was lost is tried for again."""


class Docker(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A container: its image needs `bash` and a `python3` of 3.12 or newer."""

    image: str = "python:3.12-bookworm"
    user: str | None = None
    """`UID:GID` inside; default those of the driver."""
    cpus: float | None = None


class RuntimeSettings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that a way to run commands is told, beside its name."""

    variables: dict[str, str] = {}
    """Environment variables of commands; no secrets: they are recorded."""
    variables_from: tuple[str, ...] = ()
    """Names of variables that are taken from the driver's environment; their values are not recorded."""
    mounts: tuple[Mount, ...] = ()
    limits: Limits = Limits()
    offline: bool = False
    """Whether to refuse to run where commands could reach the network."""
    hung_after_s: float = HUNG_AFTER_S
    """How long a runner may give no sign of life, though asked, before it counts as lost."""
    remote: Remote = Remote()
    docker: Docker = Docker()
    lease_s: float = LEASE_S
    """How long a runner whose driver is gone waits for the next one."""
    options: dict[str, Any] = {}
    """What a runtime of your own reads."""
