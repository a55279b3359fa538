"""Asking an analyzer with a time limit: it may be anybody's code, and a session does not hang for it."""

import queue
import threading
import time
from collections.abc import Sequence

from msgspec.structs import replace

from refold.actors.security.answers import failure
from refold.actors.security.port import Analyzer, Surroundings
from refold.eventlog.actions import Action
from refold.eventlog.risk import Assessment

LIMIT_S = 10.0
"""How long the actions of one answer may take to be assessed."""


class Guarded:
    """An analyzer by its name. One that hangs is not asked again until it comes back.

    Its thread cannot be ended; it is a daemon's, and there is never more than one that hangs.
    """

    def __init__(self, name: str, analyzer: Analyzer, *, limit_s: float = LIMIT_S) -> None:
        self._name, self._analyzer, self._limit_s = name, analyzer, limit_s
        self._hanging: threading.Thread | None = None

    def assess(
        self, wanted: Sequence[Action | None], surroundings: Surroundings
    ) -> tuple[Assessment | None, ...]:
        if (hanging := self._hanging) is not None and hanging.is_alive():
            return self._unknown(wanted, "the analyzer still hangs over an earlier action")
        said = queue.SimpleQueue[Assessment | None]()
        thread = threading.Thread(
            target=self._work, args=(wanted, surroundings, said), name=f"analyzer {self._name}", daemon=True
        )
        thread.start()
        until = time.monotonic() + self._limit_s
        heard: list[Assessment | None] = []
        try:
            while len(heard) < len(wanted):
                heard.append(said.get(timeout=max(until - time.monotonic(), 0.0)))
        except queue.Empty:
            self._hanging = thread
            reason = f"the analyzer took longer than {self._limit_s:g} s"
            heard += self._unknown(wanted[len(heard) :], reason)
        return tuple(heard)

    def _work(
        self,
        wanted: Sequence[Action | None],
        surroundings: Surroundings,
        said: "queue.SimpleQueue[Assessment | None]",
    ) -> None:
        before: list[Action] = []
        for action in wanted:
            if action is None:
                said.put(None)
                continue
            said.put(self._one(action, replace(surroundings, before=tuple(before))))
            before.append(action)

    def _one(self, action: Action, surroundings: Surroundings) -> Assessment:
        try:
            found = self._analyzer.assess(action, surroundings)
            return Assessment(risk=found.risk, reason=found.reason, analyzer=self._name)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the session goes on
            return failure(self._name, error)

    def _unknown(self, wanted: Sequence[Action | None], reason: str) -> tuple[Assessment | None, ...]:
        said = Assessment(risk="unknown", reason=reason, analyzer=self._name)
        return tuple(None if action is None else said for action in wanted)
