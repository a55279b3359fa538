"""A container for the executor, through the `docker` command: the keeper stays outside and holds its pipes.

The container ends with the executor's input, so that it cannot outlive its keeper, and removes itself. Its
labels let `refold doctor --reap` find one that did not.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from refold.actors.sandboxes.interpreter import EXECUTOR, boot
from refold.actors.sandboxes.mounts import hidden_below, mounts_refused, topmost
from refold.actors.sandboxes.sandbox import Confinement

WORKSPACE = "/workspace"
LABEL = "refold.scope"
_OWN = "/opt/refold"
_PROBE_S = 20.0
_CLEAR_S = 60.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Docker:
    """Runs the executor in a container of its own; the workspace is `/workspace` inside."""

    name = "docker"
    isolated = True
    own_limits = frozenset({"memory_bytes", "processes"})

    def unavailable(self) -> str | None:
        if shutil.which("docker") is None:
            return "there is no docker on the PATH; install its client, or use another sandbox"
        try:
            done = _docker("version", "--format", "{{.Server.Version}}", timeout_s=_PROBE_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"docker does not answer: {error}"
        if done.returncode == 0:
            return None
        return f"docker does not work here: {_last_line(done) or f'exit code {done.returncode}'}"

    def refusal(self, confinement: Confinement) -> str | None:
        if not confinement.settings.docker.image or confinement.settings.docker.image.startswith("-"):
            return f"{confinement.settings.docker.image!r} is no name of an image; write docker.image"
        refused = mounts_refused(confinement)
        if refused is None and "," in f"{confinement.workspace}":
            return f"docker cannot mount {confinement.workspace}: its name holds a comma"
        return refused

    def workspace(self, confinement: Confinement) -> str:
        del confinement  # It is the same for all.
        return WORKSPACE

    def environment(self) -> Mapping[str, str]:
        return {"PATH": _PATH, "HOME": "/tmp", "SHELL": "/bin/bash", "TMPDIR": "/tmp"}  # noqa: S108 - inside

    def command(self, confinement: Confinement) -> Sequence[str]:
        docker = confinement.settings.docker
        user = docker.user or f"{os.getuid()}:{os.getgid()}"
        return [
            "/usr/bin/env",
            *(f"{name}={value}" for name, value in _surroundings()),
            shutil.which("docker") or "docker",
            *("run", "--interactive", "--rm", "--init", "--name", container(confinement.scope)),
            *("--label", f"{LABEL}={confinement.scope}", "--hostname", "refold"),
            *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", user),
            *(() if confinement.network else ("--network", "none")),
            *_limited(confinement),
            *("--mount", _bind(EXECUTOR, f"{_OWN}/executor", writable=False)),
            *("--mount", _bind(confinement.workspace, WORKSPACE, writable=True)),
            *_hidden(confinement),
            *_mounted(confinement),
            *("--workdir", WORKSPACE, "--entrypoint", "python3", docker.image),
            *boot("python3", _OWN, "executor.main")[1:],
        ]


def container(scope: str) -> str:
    """Return the name of a session's container: docker lets only one have it."""
    return f"refold-{hashlib.sha256(scope.encode()).hexdigest()[:24]}"


def leftovers(scope: str) -> list[str]:
    """Return the ids of a session's containers, running or not; none where docker does not answer."""
    try:
        done = _docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={scope}", timeout_s=_PROBE_S)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.decode("utf-8", "replace").split() if done.returncode == 0 else []


def remove(containers: Sequence[str]) -> None:
    """End containers and remove them."""
    if containers:
        _docker("rm", "--force", *containers, timeout_s=_CLEAR_S)


def _limited(confinement: Confinement) -> Iterator[str]:
    limits = confinement.settings.limits
    if confinement.settings.docker.cpus is not None:
        yield from ("--cpus", f"{confinement.settings.docker.cpus:g}")
    if limits.memory_bytes is not None:
        yield from ("--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes))
    if limits.processes is not None:
        yield from ("--pids-limit", str(limits.processes))


def _hidden(confinement: Confinement) -> Iterator[str]:
    """Yield empty folders over whatever would show through the workspace."""
    workspace = confinement.workspace.resolve()
    hidden = {path.resolve() for path in confinement.hidden if path.is_dir()}
    for folder in topmost(folder for folder in hidden if workspace in folder.parents):
        yield from ("--tmpfs", f"{WORKSPACE}/{folder.relative_to(workspace)}")


def _mounted(confinement: Confinement) -> Iterator[str]:
    for mount in confinement.settings.mounts:
        yield from ("--mount", _bind(Path(mount.source).resolve(), mount.target, writable=mount.writable))
        for place in hidden_below(mount, confinement):
            yield from ("--tmpfs", place)


def _bind(source: Path, target: str, *, writable: bool) -> str:
    return f"type=bind,source={source},target={target}{'' if writable else ',readonly'}"


def _surroundings() -> Iterator[tuple[str, str]]:
    """Yield what the client needs of the driver's environment to find its daemon and its settings."""
    for name in (
        "HOME",
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_CONFIG",
        "DOCKER_CERT_PATH",
        "DOCKER_TLS_VERIFY",
    ):
        if value := os.environ.get(name):
            yield name, value
    yield "PATH", os.environ.get("PATH", os.defpath)


def _docker(*arguments: str, timeout_s: float) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - the program that was asked for
        [shutil.which("docker") or "docker", *arguments],
        capture_output=True,
        timeout=timeout_s,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    return next(reversed(done.stderr.decode("utf-8", "replace").strip().splitlines()), "")
