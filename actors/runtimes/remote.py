"""A runner on another machine, behind `refold runner serve`: the keeper's own protocol, through TLS."""

import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any

import msgspec

from refold.actors.runner.link import RunnerClient, greet
from refold.actors.runner.runner import LaunchFailed, RunnerLost, RunnerRefused, RunnerSpec
from refold.actors.runtimes.persistent import PersistentRunner
from refold.actors.runtimes.runtime import Reached
from refold.actors.runtimes.tunnel import Tunnel
from refold.actors.runtimes.wire import AddressRefused, address_of, ask, dial, token_in
from refold.eventlog.runtime_settings import Remote

_WORK_S = 120.0
"""How long the server may take to start or end a runner."""


class RemoteRuntime:
    """Keeps `Runtime` with a server elsewhere. A driver that is killed leaves the runner at work there."""

    isolated = True

    def unavailable(self) -> str | None:
        return None

    def refusal(self, spec: RunnerSpec) -> str | None:
        remote = spec.settings.remote
        if not remote.address:
            return (
                "where is the runner? Name its address: runtime.remote.address, or --runner tls://HOST:PORT"
            )
        if spec.settings.mounts:
            return "it cannot mount what lies on this machine; put it into the workspace instead"
        try:
            address_of(remote.address)
            _token(remote, spec)
        except (AddressRefused, RunnerLost) as error:
            return str(error)
        for named in (remote.ca_file, remote.token_file):
            if named is not None and not Path(named).is_file():
                return f"there is no file {named}"
        return None

    def find(self, spec: RunnerSpec) -> Reached | None:
        return _reached(spec, "find", {})

    def launch(self, spec: RunnerSpec) -> Reached:
        try:
            reached = _reached(spec, "launch", _wanted(spec))
        except RunnerLost as error:
            raise LaunchFailed(str(error)) from error
        if reached is None:
            raise LaunchFailed(f"the runner at {_remote(spec).address} came up and was gone at once")
        return reached

    def is_alive(self, spec: RunnerSpec) -> bool:
        return bool(_told(spec, "alive", {}).get("alive"))

    def clear(self, spec: RunnerSpec) -> None:
        del spec  # A keeper takes everything with it, there as here.


def _reached(spec: RunnerSpec, do: str, wanted: dict[str, Any]) -> Reached | None:
    """Find or launch the runner, and lead a connection to it."""
    found = _connect(spec, do, wanted)
    if found is None:
        return None
    client, answer = found

    def again() -> RunnerClient | None:
        refound = _connect(spec, "find", {})
        return None if refound is None else refound[0]

    def end() -> None:
        _told(spec, "end", {"epoch": spec.epoch})

    patience_s = _remote(spec).patience_s
    runner = PersistentRunner(client, again=again, end=end, patience_s=patience_s)
    return Reached(runner, workspace=answer["workspace"], notice=answer.get("notice", ""))


def _connect(spec: RunnerSpec, do: str, wanted: dict[str, Any]) -> tuple[RunnerClient, dict[str, Any]] | None:
    with contextlib.ExitStack() as on_failure:
        link = _dialled(spec)
        on_failure.callback(link.close)
        answer = _answer(spec, link, do, wanted)
        if "session" not in answer:
            return None
        link.settimeout(None)
        ours, theirs = socket.socketpair()
        on_failure.pop_all()
        Tunnel(link, theirs)
        client = greet(
            ours,
            answer["session"],
            spec.epoch,
            secrets=spec.secrets,
            hung_after_s=spec.settings.hung_after_s,
            ours=False,
        )
    if client is None:
        raise RunnerLost(f"the connection to {_remote(spec).address} was lost while the runner was greeted")
    return client, answer


def _told(spec: RunnerSpec, do: str, wanted: dict[str, Any]) -> dict[str, Any]:
    link = _dialled(spec)
    try:
        return _answer(spec, link, do, wanted)
    finally:
        link.close()


def _dialled(spec: RunnerSpec) -> socket.socket:
    remote = _remote(spec)
    try:
        link = dial(remote, _token(remote, spec))
    except ssl.SSLCertVerificationError as error:
        raise RunnerRefused(
            f"the server at {remote.address} is not the one that was meant: {error}; "
            "compare runtime.remote.ca_file or .fingerprint with its certificate"
        ) from error
    except (OSError, AddressRefused) as error:
        raise RunnerLost(f"no runner can be reached at {remote.address}: {error}") from error
    link.settimeout(_WORK_S + spec.settings.hung_after_s)  # A keeper there may hang, too.
    return link


def _answer(spec: RunnerSpec, link: socket.socket, do: str, wanted: dict[str, Any]) -> dict[str, Any]:
    remote = _remote(spec)
    asked = {
        "do": do,
        "scope": spec.scope or spec.session,
        "session": spec.session,
        "place": remote.workspace,
        "hung_after_s": spec.settings.hung_after_s,
    }
    try:
        answer = ask(link, {**asked, **wanted})
    except (OSError, ValueError) as error:
        raise RunnerLost(f"the connection to {remote.address} was lost: {error}") from error
    if answer is None:
        raise RunnerLost(
            f"{remote.address} hung up without a word: it takes another token, or is no `refold runner serve`"
        )
    if "failed" in answer:
        raise LaunchFailed(f"the runner at {remote.address}: {answer['failed']}")
    if "refused" in answer:
        raise RunnerRefused(answer["refused"])
    return answer


def _wanted(spec: RunnerSpec) -> dict[str, Any]:
    """Return what a launch is told beside the session: all that does not concern this machine."""
    return {
        "epoch": spec.epoch,
        "incarnation": spec.incarnation,
        "network": spec.network,
        "environment": dict(spec.environment),
        "secrets": dict(spec.secrets),
        "action_timeout_s": spec.action_timeout_s,
        "silence_timeout_s": spec.silence_timeout_s,
        "lease_s": spec.lease_s,
        "limits": msgspec.to_builtins(spec.settings.limits),
        "offline": spec.settings.offline,
    }


def _remote(spec: RunnerSpec) -> Remote:
    if not spec.settings.remote.address:
        raise RunnerLost("where is the runner? The session's settings name no address")
    return spec.settings.remote


def _token(remote: Remote, spec: RunnerSpec) -> str:
    if remote.token_file is not None:
        try:
            return token_in(Path(remote.token_file))
        except (OSError, ValueError) as error:
            raise RunnerLost(f"the runner's token cannot be read: {error}") from error
    if token := spec.driver.get(remote.token_env, "").strip():
        return token
    raise RunnerLost(
        f"the runner's token is missing: set the environment variable {remote.token_env}, "
        "or name a file with it in runtime.remote.token_file"
    )
