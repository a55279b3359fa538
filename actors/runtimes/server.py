"""`refold runner serve`: launches keepers for drivers elsewhere and leads each connection to its keeper.

It holds nothing that matters: keepers outlive it, and whoever serves the same folder next finds them again.
"""

import contextlib
import hashlib
import json
import re
import socket
import ssl
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from refold.actors.logger import logger
from refold.actors.runner.executor.lines import line
from refold.actors.runner.launch import confinement_of, start_keeper
from refold.actors.runner.link import connect, reach
from refold.actors.runner.runner import LaunchFailed, RunnerLost, RunnerRefused, RunnerSpec
from refold.actors.runtimes.kept import is_served
from refold.actors.runtimes.tunnel import Tunnel
from refold.actors.runtimes.wire import REQUEST_MAX, TOKEN_MAX, Lines, is_loopback, is_token, keep_alive
from refold.actors.sandboxes.choose import choose
from refold.actors.sandboxes.local import WARNING
from refold.eventlog.runtime_settings import HUNG_AFTER_S, Limits, RuntimeSettings

_STRANGER_S = 10.0
"""How long somebody may take to say who they are."""
_REQUEST_S = 60.0
_STRANGERS_MAX = 64
_LEAVE_S = 5.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class ServingRefused(Exception):
    """It cannot be served like this, and why."""


class Serving(Struct, frozen=True, kw_only=True):
    """How runners are served. Without a certificate there is no TLS, and then only this machine may come."""

    host: str
    port: int
    token: str
    folder: Path
    workspaces: Path
    sandbox: str
    certificate: Path | None = None
    key: Path | None = None
    hidden: tuple[Path, ...] = ()


class _Wanted(Struct, kw_only=True):
    """A request, as a driver that showed the token sends it."""

    do: str
    scope: str
    session: str
    place: str | None = None
    epoch: int = 0
    incarnation: str = ""
    network: bool = False
    environment: dict[str, str] = {}
    secrets: dict[str, str] = {}
    action_timeout_s: float = 120.0
    silence_timeout_s: float = 30.0
    lease_s: float = 86_400.0
    limits: Limits = Limits()
    hung_after_s: float = HUNG_AFTER_S
    offline: bool = False


class RunnerServer:
    """Listens from its construction on; `serve` attends to whoever comes, until `stop`."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._tls = _tls(serving)
        self._log = logger(actor="runner/server")
        self._stopping = False
        self._strangers = threading.BoundedSemaphore(_STRANGERS_MAX)
        self._lock = threading.Lock()
        self._attended: dict[threading.Thread, socket.socket] = {}
        self._tunnels: set[Tunnel] = set()
        for folder in (serving.folder, serving.workspaces):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
        self._listener = socket.create_server((serving.host, serving.port), family=family)
        self.port: int = self._listener.getsockname()[1]

    @property
    def address(self) -> str:
        host = f"[{self._serving.host}]" if ":" in self._serving.host else self._serving.host
        return f"{'tcp' if self._tls is None else 'tls'}://{host}:{self.port}"

    def serve(self) -> None:
        """Return after `stop`, when nobody is attended to any more; the keepers go on."""
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                if self._stopping:
                    break
                raise
            if not self._strangers.acquire(blocking=False):
                link.close()  # So many strangers at once mean no good.
                continue
            thread = threading.Thread(target=self._attend, args=(link,), name="runner-peer", daemon=True)
            with self._lock:
                self._attended[thread] = link
            thread.start()
        with self._lock:
            threads, tunnels = dict(self._attended), tuple(self._tunnels)
        for link in threads.values():
            with contextlib.suppress(OSError):
                socket.socket.shutdown(link, socket.SHUT_RDWR)  # TLS has no say: its thread may be reading.
        for tunnel in tunnels:
            tunnel.close()
        for thread in threads:
            thread.join(_LEAVE_S)

    def stop(self) -> None:
        """Have `serve` return; safe in a signal's handler."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _attend(self, plain: socket.socket) -> None:
        link: socket.socket = plain
        kept = False
        try:
            try:
                link, lines = self._known(plain)
            finally:
                self._strangers.release()
            if lines is None:
                return
            link.settimeout(_REQUEST_S)
            said = lines.next(REQUEST_MAX)
            if said is None:
                return
            kept = self._answer(link, said)
        except (OSError, ValueError):
            pass  # It went away, or it does not speak our language: nobody is left to be told.
        except Exception as error:  # noqa: BLE001 - one peer's trouble is not the others'
            self._log.error(
                "a request failed", error=f"{type(error).__name__}: {error}", trace=traceback.format_exc()
            )
        finally:
            with self._lock:
                link = self._attended.pop(threading.current_thread(), plain)
            if not kept:
                link.close()

    def _known(self, plain: socket.socket) -> tuple[socket.socket, Lines | None]:
        """Return the line to somebody who showed the token; with None for one who did not."""
        plain.settimeout(_STRANGER_S)
        keep_alive(plain)
        link = plain
        if self._tls is not None:
            link = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            with self._lock:
                self._attended[threading.current_thread()] = link
            link.do_handshake()
        lines = Lines(link)
        said = lines.next(TOKEN_MAX)
        if said is None or not is_token(said, self._serving.token):
            self._log.warning("somebody without the token was turned away")
            return link, None
        return link, lines

    def _answer(self, link: socket.socket, said: bytes) -> bool:
        """Carry out a request; True if a tunnel has the line now."""
        wanted = msgspec.convert(json.loads(said), _Wanted)
        try:
            spec = self._spec(wanted)
            match wanted.do:
                case "find":
                    return self._lead(link, spec)
                case "launch":
                    start_keeper(spec)
                    return self._lead(link, spec)
                case "alive":
                    answer: dict[str, Any] = {"alive": is_served(spec.directory)}
                case "end":
                    client = connect(spec.directory, spec.epoch, hung_after_s=wanted.hung_after_s)
                    if client is not None:
                        client.end()
                    answer = {"ended": True}
                case other:
                    answer = {"refused": f"this server cannot {other[:40]!r}"}
        except LaunchFailed as error:
            answer = {"failed": str(error)}
        except (RunnerRefused, ServingRefused) as error:
            answer = {"refused": str(error)}
        except RunnerLost:
            answer = {"ended": True}
        except OSError as error:
            answer = {"failed": str(error)}
        link.sendall(line(answer))
        return False

    def _lead(self, link: socket.socket, spec: RunnerSpec) -> bool:
        found = reach(spec.directory, hung_after_s=spec.settings.hung_after_s)
        if found is None:
            link.sendall(line({"none": True}))
            return False
        keeper, session = found
        sandbox = choose(spec.sandbox)[0]
        answer = {
            "session": session,
            "workspace": sandbox.workspace(confinement_of(spec)),
            "notice": "" if sandbox.isolated else f"On the remote machine: {WARNING}",
        }
        try:
            link.sendall(line(answer))
        except OSError:
            keeper.close()
            raise
        with self._lock:
            self._tunnels.add(Tunnel(link, keeper, on_end=self._ended))
        return True

    def _ended(self, tunnel: Tunnel) -> None:
        with self._lock:
            self._tunnels.discard(tunnel)

    def _spec(self, wanted: _Wanted) -> RunnerSpec:
        serving = self._serving
        if not _NAME.fullmatch(wanted.session):
            raise ServingRefused("that is no session's name")
        name = f"{wanted.session}-{hashlib.sha256(wanted.scope.encode()).hexdigest()[:16]}"
        workspace = self._workspace(wanted.place or name)
        if wanted.do == "launch":
            workspace.mkdir(mode=0o700, parents=True, exist_ok=True)
        return RunnerSpec(
            session=wanted.session,
            directory=serving.folder / name,
            workspace=workspace,
            sandbox=serving.sandbox,
            epoch=wanted.epoch,
            incarnation=wanted.incarnation,
            network=wanted.network,
            environment=_checked(wanted.environment),
            secrets=_checked(wanted.secrets),
            action_timeout_s=wanted.action_timeout_s,
            silence_timeout_s=wanted.silence_timeout_s,
            lease_s=wanted.lease_s,
            hidden=(serving.folder, *serving.hidden),
            settings=RuntimeSettings(
                limits=wanted.limits, offline=wanted.offline, hung_after_s=wanted.hung_after_s
            ),
            scope=wanted.scope,
        )

    def _workspace(self, place: str) -> Path:
        base = self._serving.workspaces.resolve()
        if any(not _NAME.fullmatch(part) for part in place.split("/")):
            raise ServingRefused(f"{place[:80]!r} is no folder below the server's workspaces")
        folder = (base / place).resolve()
        if base not in folder.parents:
            raise ServingRefused(f"{place[:80]!r} leads out of the server's workspaces")
        return folder


def _checked(environment: Mapping[str, str]) -> Mapping[str, str]:
    if any(not name or "=" in name or "\0" in name + value for name, value in environment.items()):
        raise ServingRefused("those are no environment variables")
    return environment


def _tls(serving: Serving) -> ssl.SSLContext | None:
    if serving.certificate is None:
        if not is_loopback(serving.host):
            raise ServingRefused(
                f"{serving.host} can be reached from elsewhere, where the token could be read on the way: "
                "give --cert and --key, or listen on 127.0.0.1"
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(serving.certificate, serving.key)
    except (OSError, ssl.SSLError) as error:
        raise ServingRefused(f"the certificate {serving.certificate} cannot be used: {error}") from error
    return context
