"""Linux namespaces through `bwrap`: an empty root, read-only system folders, and the workspace.

Nothing else of the machine can be written, and homes, other temporary files, the runner's socket and journal
and, unless asked for, the network cannot even be seen.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from refold.actors.sandboxes.interpreter import EXECUTOR, boot, interpreter, prefix
from refold.actors.sandboxes.mounts import hidden_below, mounts_refused, topmost
from refold.actors.sandboxes.sandbox import Confinement

WORKSPACE = "/workspace"
HOME = "/tmp/home"  # noqa: S108 - inside, where /tmp is private
_OWN = "/opt/refold"
_PROBE_S = 10.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store")
_SETTINGS = (
    "alternatives", "bash.bashrc", "bash_completion.d", "ca-certificates", "ca-certificates.conf",
    "crypto-policies", "debian_version", "default/locale", "fonts", "gitconfig", "group", "host.conf",
    "hosts", "inputrc", "issue", "java-11-openjdk", "java-17-openjdk", "java-21-openjdk", "ld.so.cache",
    "ld.so.conf", "ld.so.conf.d", "locale.alias", "locale.conf", "localtime", "lsb-release", "magic",
    "manpath.config", "maven", "mime.types", "nsswitch.conf", "os-release", "passwd", "perl",
    "pki/ca-trust", "pki/tls/certs", "profile", "profile.d", "protocols", "python3", "python3.11",
    "python3.12", "python3.13", "redhat-release", "services", "shells", "ssl/certs", "ssl/openssl.cnf",
    "terminfo", "timezone", "vimrc", "xdg",
)  # fmt: skip
_NETWORK = ("resolv.conf", "gai.conf")


class Bubblewrap:
    """Confines the executor with `bwrap`; the workspace is `/workspace` inside."""

    name = "bubblewrap"
    isolated = True
    own_limits: frozenset[str] = frozenset()

    def unavailable(self) -> str | None:
        return _probe()

    def refusal(self, confinement: Confinement) -> str | None:
        if confinement.settings.limits.processes is not None and os.getuid() == 0:
            return (
                "it cannot limit processes for root, whom the system does not count; run Refold as another "
                "user, use docker, or leave the limit out"
            )
        return mounts_refused(confinement)

    def workspace(self, confinement: Confinement) -> str:
        del confinement  # It is the same for all.
        return WORKSPACE

    def environment(self) -> Mapping[str, str]:
        environment = {"PATH": f"{_PATH}:{_OWN}/bin", "HOME": HOME, "SHELL": "/bin/bash", "TMPDIR": "/tmp"}  # noqa: S108
        if not shutil.which("python3", path=_PATH) and _shared_library():
            environment["LD_LIBRARY_PATH"] = f"{_OWN}/python/lib"
        return environment

    def command(self, confinement: Confinement) -> Sequence[str]:
        return [
            shutil.which("bwrap") or "bwrap",
            *_confine(network=confinement.network),
            *("--bind", str(confinement.workspace), WORKSPACE),
            *_hide(confinement),
            *_mount(confinement),
            *("--chdir", WORKSPACE, "--remount-ro", "/"),
            *_library(),
            *("--", *boot(_inside(interpreter()), _OWN, "executor.main")),
        ]


@functools.cache
def _probe() -> str | None:
    """Really try it: `bwrap` may be denied its namespaces, our interpreter may miss a library inside."""
    program = shutil.which("bwrap")
    if program is None:
        return "bwrap is not installed (the package is called bubblewrap)"
    python = boot(_inside(interpreter()), _OWN, "executor.main", function="probe")
    start = ("/bin/bash", "-c", 'exec "$0" "$@"', *python)
    command = [program, *_confine(network=False), *_library(), "--remount-ro", "/", "--", *start]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap does not run: {error}"
    if done.returncode == 0:
        return None
    said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
    return f"bwrap does not work here: {said[-1]}"


def _confine(*, network: bool) -> Iterator[str]:
    """Yield everything but the workspace."""
    yield from ("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL")
    yield from ("--hostname", "refold")
    if network:
        yield "--share-net"
    for folder in _SYSTEM:
        if Path(folder).is_symlink():
            yield from ("--symlink", str(Path(folder).readlink()), folder)
        elif Path(folder).is_dir():
            yield from ("--ro-bind", folder, folder)
    for name in (*_SETTINGS, *(_NETWORK if network else ())):
        if (place := Path("/etc") / name).exists():
            yield from ("--ro-bind", os.path.realpath(place), str(place))
    yield from ("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", HOME)  # noqa: S108 - inside
    yield from ("--dir", "/run", "--dir", "/var", "--symlink", "/tmp", "/var/tmp")  # noqa: S108 - inside
    yield from ("--ro-bind", str(EXECUTOR), f"{_OWN}/executor")
    if not _is_system(prefix()):
        yield from ("--ro-bind", str(prefix()), f"{_OWN}/python")
    for name in ("python", "python3"):
        yield from ("--symlink", _inside(interpreter()), f"{_OWN}/bin/{name}")


def _library() -> Iterator[str]:
    """Yield what an interpreter away from its place needs to find its own library."""
    if _shared_library():
        yield from ("--setenv", "LD_LIBRARY_PATH", f"{_OWN}/python/lib")


def _hide(confinement: Confinement) -> Iterator[str]:
    """Yield empty folders over whatever would show through the workspace or a system folder."""
    workspace = confinement.workspace.resolve()
    hidden = {path.resolve() for path in confinement.hidden if path.is_dir()}
    for folder in topmost(folder for folder in hidden if workspace in folder.parents):
        yield from ("--tmpfs", f"{WORKSPACE}/{folder.relative_to(workspace)}")
    for folder in topmost(folder for folder in hidden if _is_system(folder)):
        yield from ("--tmpfs", str(folder))


def _mount(confinement: Confinement) -> Iterator[str]:
    for mount in confinement.settings.mounts:
        yield from ("--bind" if mount.writable else "--ro-bind", os.path.realpath(mount.source), mount.target)
        for place in hidden_below(mount, confinement):
            yield from ("--tmpfs", place)


def _inside(path: Path) -> str:
    """Return where a file of the interpreter lies inside."""
    return str(path) if _is_system(path) else f"{_OWN}/python/{path.relative_to(prefix())}"


def _is_system(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _SYSTEM)


def _shared_library() -> bool:
    """Whether the interpreter, moved, would not find its own library."""
    return not _is_system(prefix()) and any((prefix() / "lib").glob("libpython*.so*"))
