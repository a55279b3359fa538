"""Starting a keeper that outlives us."""

import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec

from refold.actors.runner.link import RunnerClient, connect
from refold.actors.runner.place import PlaceUnsafe, socket_path
from refold.actors.runner.runner import LaunchFailed, RunnerSpec
from refold.actors.sandboxes.choose import choose
from refold.actors.sandboxes.interpreter import boot, interpreter
from refold.actors.sandboxes.sandbox import Confinement, Sandbox, SandboxUnavailable, refusal
from refold.actors.start.steps import SCRIPTS

_ACTORS = Path(__file__).resolve().parent.parent
_LAUNCH_S = 40.0


def launch(spec: RunnerSpec, sandbox: Sandbox | None = None) -> RunnerClient:
    """Start a new incarnation, in the sandbox that `spec` names or another, and connect to it.

    Raises `LaunchFailed`, and then nothing stays behind.
    """
    start_keeper(spec, sandbox)
    client = connect(
        spec.directory,
        spec.epoch,
        secrets=spec.secrets,
        hung_after_s=spec.settings.hung_after_s,
    )
    if client is None:
        raise LaunchFailed(f"the runner came up and was gone at once; see {spec.directory / 'log'}")
    return client


def confinement_of(spec: RunnerSpec) -> Confinement:
    """Return what a runner asks of its sandbox."""
    directory = spec.directory.resolve()
    return Confinement(
        workspace=spec.workspace.resolve(),
        network=spec.network,
        hidden=(directory, socket_path(directory).parent, *spec.hidden),
        settings=spec.settings,
        scope=spec.scope,
    )


def start_keeper(spec: RunnerSpec, sandbox: Sandbox | None = None) -> None:
    """Start a new incarnation; it listens when this returns. Raises `LaunchFailed`."""
    try:
        settings = _settings(spec, sandbox or choose(spec.sandbox)[0])
    except (PlaceUnsafe, SandboxUnavailable, OSError) as error:
        raise LaunchFailed(str(error)) from error
    with (spec.directory / "log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter on our own module
            boot(str(interpreter()), str(_ACTORS), "runner.keeper.main"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
    with process:
        assert process.stdin is not None  # noqa: S101 - PIPE makes it so; this is for the type checkers
        assert process.stdout is not None  # noqa: S101 - PIPE makes it so; this is for the type checkers
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        process.stdin.close()
        answer = _answer(process.stdout.fileno())
    if "ready" not in answer:
        why = answer.get("failed") or f"the keeper did not answer; see {spec.directory / 'log'}"
        raise LaunchFailed(f"sandbox {spec.sandbox}: {why}")


def _settings(spec: RunnerSpec, sandbox: Sandbox) -> dict[str, Any]:
    if not spec.workspace.is_dir():
        raise LaunchFailed(f"the workspace {spec.workspace} is not a folder")
    spec.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = spec.directory.resolve()
    place = socket_path(directory)
    confinement = confinement_of(spec)
    if (reason := refusal(sandbox, confinement)) is not None:
        raise LaunchFailed(f"sandbox {sandbox.name}: {reason}")
    limits = msgspec.to_builtins(spec.settings.limits)
    environment = {"LANG": "C.UTF-8", "TERM": "dumb", "PAGER": "cat", "GIT_PAGER": "cat", "MANPAGER": "cat"}
    return {
        "session": spec.session,
        "directory": str(directory),
        "socket": str(place),
        "epoch": spec.epoch,
        "incarnation": spec.incarnation,
        "lease_s": spec.lease_s,
        "command": list(sandbox.command(confinement)),
        "secrets": list(spec.secrets.values()),
        "workspace": str(confinement.workspace),
        "scripts": SCRIPTS,
        "executor": {
            "workspace": sandbox.workspace(confinement),
            "environment": {**environment, **sandbox.environment(), **spec.environment, **spec.secrets},
            "action_timeout_s": spec.action_timeout_s,
            "silence_timeout_s": spec.silence_timeout_s,
            "limits": {name: most for name, most in limits.items() if name not in sandbox.own_limits},
        },
    }


def _answer(descriptor: int) -> dict[str, Any]:
    """Read the keeper's one line; its end of the pipe closes when it dies."""
    said = b""
    until = time.monotonic() + _LAUNCH_S
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
        data = os.read(descriptor, 65536) if ready else b""
        if not data:
            return {}
        said += data
    answer: dict[str, Any] = json.loads(said)
    return answer
