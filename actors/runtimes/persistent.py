"""A runner across a line that may break: it is asked again by key, so that nothing is done twice."""

import threading
import time
from collections.abc import Callable
from typing import Any

from refold.actors.runner.link import RunnerClient
from refold.actors.runner.recovery import collect_or_execute
from refold.actors.runner.runner import KeyState, LaunchFailed, OnGlimpse, RunnerLost
from refold.actors.runtime.port import Prepared
from refold.eventlog.actions import Action
from refold.eventlog.observations import Observation

_PAUSE_S = 0.05
_PAUSE_MAX_S = 2.0
_END_S = 5.0
_CUTS_MAX = 100
"""How often one request may be cut off before the line is given up."""


class PersistentRunner:
    """Keeps `Runner` with a connection at a time; `again` makes the next, None once the runner is gone.

    `end` ends the runner where it is. Within `patience_s` of a cut there must be a new connection, and to the
    same incarnation, or the runner counts as lost.
    """

    def __init__(
        self,
        client: RunnerClient,
        *,
        again: Callable[[], RunnerClient | None],
        end: Callable[[], None],
        patience_s: float,
    ) -> None:
        self.incarnation, self.found = client.incarnation, client.found
        self._client, self._again, self._end, self._patience_s = client, again, end, patience_s
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ended = False
        self._gone: RunnerLost | None = None

    def execute(
        self, key: str, digest: str, action: Action, *, on_glimpse: OnGlimpse | None = None
    ) -> Observation:
        return self._persist(lambda client: client.execute(key, digest, action, on_glimpse=on_glimpse))

    def collect_or_execute(
        self,
        key: str,
        digest: str,
        action: Action,
        started_incarnation: str,
        *,
        on_glimpse: OnGlimpse | None = None,
    ) -> Observation:
        return collect_or_execute(self, key, digest, action, started_incarnation, on_glimpse=on_glimpse)

    def prepare(self, key: str, repository: dict[str, Any]) -> Prepared:
        return self._persist(lambda client: client.prepare(key, repository))

    def ask(self, key: str) -> KeyState | Observation:
        return self._persist(lambda client: client.ask(key))

    def acknowledge(self, key: str) -> None:
        self._persist(lambda client: client.acknowledge(key))

    def interrupt(self, key: str) -> None:
        self._persist(lambda client: client.interrupt(key))

    def end(self) -> None:
        if self._ended:
            return
        if self._closing.is_set():
            raise RunnerLost("the connection to the runner was closed")
        self.close()  # Ending it from aside takes over from this connection, which is no refusal.
        until = time.monotonic() + min(self._patience_s, _END_S)
        while True:
            try:
                self._end()
            except RunnerLost:
                if time.monotonic() + _PAUSE_S > until:
                    raise
                time.sleep(_PAUSE_S)
            else:
                break
        self._ended = True

    def close(self) -> None:
        self._closing.set()
        with self._lock:
            self._client.close()

    def _persist[Answer](self, act: Callable[[RunnerClient], Answer]) -> Answer:
        for _ in range(_CUTS_MAX):
            client = self._client
            try:
                return act(client)
            except RunnerLost:
                self._reconnect(client)
        raise RunnerLost(f"the connection to the runner was cut {_CUTS_MAX} times during one request")

    def _reconnect(self, cut: RunnerClient) -> None:
        """Replace the connection that was cut, unless somebody was quicker. Raises `RunnerLost`."""
        with self._lock:
            if self._gone is not None:
                raise self._gone
            if self._client is not cut:
                return
            cut.close()
            try:
                self._client = self._found()
            except RunnerLost as lost:
                self._gone = lost
                raise

    def _found(self) -> RunnerClient:
        until, pause_s = time.monotonic() + self._patience_s, _PAUSE_S
        while not self._closing.is_set():
            try:
                client = self._again()
            except (RunnerLost, LaunchFailed) as error:
                if time.monotonic() + pause_s > until:
                    raise RunnerLost(f"{error}; it was tried again for {self._patience_s:g} s") from error
                self._closing.wait(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_MAX_S)
                continue
            if client is None:
                raise RunnerLost("the runner is gone")
            if client.incarnation != self.incarnation:
                client.close()
                raise RunnerLost("the runner is gone, and another one is in its place")
            return client
        raise RunnerLost("the connection to the runner was closed")
