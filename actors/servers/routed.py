"""A session's hands, by what they are to do: a runner's for the sandbox, its servers' for their tools."""

from collections.abc import Callable

from refold.actors.runtime.port import Listing, Prepared, RunnerPort
from refold.actors.servers.hands import ServerHands
from refold.eventlog.actions import Action, McpCall
from refold.eventlog.events import RuntimeConnected, RuntimeFailed
from refold.eventlog.observations import Observation
from refold.eventlog.settings import Settings


class RoutedHands:
    """Keeps the `HandsPort` with both. A session is connected when its runner is."""

    def __init__(self, runner: RunnerPort, servers: ServerHands) -> None:
        self._runner, self._servers = runner, servers

    def connect(
        self, settings: Settings, *, epoch: int, incarnation: str
    ) -> RuntimeConnected | RuntimeFailed:
        self._servers.connect(settings, epoch=epoch)
        return self._runner.connect(settings, epoch=epoch, incarnation=incarnation)

    def find_tools(self, settings: Settings) -> Listing:
        return self._servers.find_tools(settings)

    def execute(
        self,
        key: str,
        digest: str,
        action: Action,
        *,
        started_in: str,
        on_glimpse: Callable[[str], None] | None = None,
    ) -> Observation:
        if isinstance(action, McpCall):
            return self._servers.execute(key, digest, action, started_in=started_in)
        return self._runner.execute(key, digest, action, started_in=started_in, on_glimpse=on_glimpse)

    def prepare(self, key: str, settings: Settings) -> Prepared:
        return self._runner.prepare(key, settings)

    def acknowledge(self, key: str) -> None:
        if self._servers.knows(key):
            self._servers.acknowledge(key)
        else:
            self._runner.acknowledge(key)

    def interrupt(self, key: str) -> None:
        """Tell both where neither has begun it: one of them was just about to."""
        known = self._servers.knows(key)
        self._servers.interrupt(key)
        if not known:
            self._runner.interrupt(key)

    def end(self) -> None:
        """End the servers and the runner: the session needs neither any more."""
        self._servers.close()
        self._runner.end()
