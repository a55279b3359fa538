"""The actors that act on what Session commits, as Session sees them: all of them at once."""

from collections.abc import Callable, Mapping
from functools import partial

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import Dispatcher
from refold.actors.session.messages import Committed, PerformAgain
from refold.actors.session.state import State

type Spawn = Callable[[str, Callable[[], Actor]], None]


class Followers:
    """`make` builds each, by its name, on the state that Session then has.

    `spawn` lets one be an actor, unless the session was let go of since Session took its turn.
    """

    def __init__(self, port: Dispatcher, spawn: Spawn, make: Mapping[str, Callable[[State], Actor]]) -> None:
        self._port, self._spawn, self._make = port, spawn, make

    def gather(self, state: State) -> None:
        for name, make in self._make.items():
            self._spawn(name, partial(make, state))

    def tell(self, committed: Committed) -> None:
        for name in self._make:
            self._port.tell(name, committed)

    def perform_again(self) -> None:
        """Have each say again what it was told to do, for a Session that was rebuilt."""
        for name in self._make:
            self._port.restart(name)  # Its failure may have been told to the incarnation before this one.
            self._port.tell(name, PerformAgain())

    def retire(self) -> None:
        for name in self._make:
            self._port.retire(name)
