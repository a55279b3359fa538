"""A line between a driver and a server that a test can cut, hold up and mend."""

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

import msgspec

from refold.actors.runner.runner import RunnerSpec
from refold.actors.runtimes.remote import RemoteRuntime
from refold.actors.runtimes.server import RunnerServer, Serving
from refold.actors.runtimes.tunnel import Tunnel
from refold.eventlog.runtime_settings import Remote, RuntimeSettings
from refold.testing.runner_contract import RuntimePlace

CERTIFICATES = Path(__file__).parent / "certificates"
CERTIFICATE, KEY, OTHER = (CERTIFICATES / name for name in ("server.pem", "server.key", "other.pem"))
TOKEN = "correct horse battery staple"  # noqa: S105 - of tests


class Line:
    """A proxy on loopback. While it is `down` nobody gets through; `cut` drops everybody who is through."""

    def __init__(self, port: int) -> None:
        self.there = port
        self.down = False
        self.dialled = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._tunnels: list[Tunnel] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def is_dialled_after(self, dialled: int) -> bool:
        return self.dialled > dialled

    def cut(self) -> None:
        with self._lock:
            for tunnel in self._tunnels:
                tunnel.close()
            self._tunnels.clear()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:  # Who has dialled can be cut.
                self._let_through(near)
                self.dialled += 1

    def _let_through(self, near: socket.socket) -> None:
        if self.down:
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.there))
        except OSError:
            near.close()
            return
        self._tunnels.append(Tunnel(near, far))


class Elsewhere:
    """A server in a thread, a line to it, and the places of sessions there."""

    def __init__(self, base: Path, sandbox: str = "local", *, tls: bool = True) -> None:
        self.base, self.sandbox, self.tls = base, sandbox, tls
        self.workspaces = base / "workspaces"
        self.server = self._serve(0)
        self.line = Line(self.server.port)
        self.places: list[RuntimePlace] = []

    def settings(self, *, hung_after_s: float = 30.0, **changes: object) -> RuntimeSettings:
        remote = Remote(
            address=f"{'tls' if self.tls else 'tcp'}://127.0.0.1:{self.line.port}",
            token_env="TOKEN",  # noqa: S106 - the name of a variable
            ca_file=str(CERTIFICATE) if self.tls else None,
            workspace="work",
            patience_s=20.0,
        )
        return RuntimeSettings(remote=msgspec.structs.replace(remote, **changes), hung_after_s=hung_after_s)

    def spec(self, **changes: Any) -> RunnerSpec:  # noqa: ANN401 - settings of a remote runner
        return RunnerSpec(
            session="s",
            directory=self.base / "here",
            workspace=self.base,
            sandbox="remote",
            epoch=1,
            incarnation="first",
            settings=self.settings(**changes),
            scope="log/s",
            driver={"TOKEN": TOKEN},
        )

    def place(self, **changes: Any) -> RuntimePlace:  # noqa: ANN401 - likewise
        place = RuntimePlace(
            RemoteRuntime(), self.spec(**changes), kept=self.kept, workspace=self.workspaces / "work"
        )
        self.places.append(place)
        return place

    @property
    def kept(self) -> Path:
        return next((self.base / "served").glob("s-*"), self.base / "served")

    def restart(self) -> None:
        """Stop serving and serve anew elsewhere; the line leads there from now on."""
        self.stop()
        self.server = self._serve(0)
        self.line.there = self.server.port

    def stop(self) -> None:
        self.server.stop()
        self._thread.join()

    def close(self) -> None:
        self.line.down = False
        for place in self.places:
            with contextlib.suppress(OSError):
                place.end()
        self.line.close()
        self.stop()

    def _serve(self, port: int) -> RunnerServer:
        server = RunnerServer(
            Serving(
                host="127.0.0.1",
                port=port,
                token=TOKEN,
                folder=self.base / "served",
                workspaces=self.workspaces,
                sandbox=self.sandbox,
                certificate=CERTIFICATE if self.tls else None,
                key=KEY if self.tls else None,
            )
        )
        self._thread = threading.Thread(target=server.serve)
        self._thread.start()
        return server
