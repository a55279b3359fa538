"""An actor that does what it is told, and what every test of a dispatcher needs to have one act."""

import abc
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, override

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import Dispatcher, Host


class Puppet(Actor):
    """An actor that does what it is told: a callable message is called with it, others go to `audience`."""

    def __init__(
        self, port: Dispatcher, name: str, audience: str, begin: Callable[[Actor], object] | None = None
    ) -> None:
        super().__init__(port, name)
        self._audience = audience
        self._begin = begin

    @override
    def on_start(self) -> None:
        if self._begin is not None:
            self._begin(self)

    @override
    def on_receive(self, message: Any) -> object:
        if callable(message):
            return message(self)
        self.port.tell(self._audience, message)
        return message


def do(port: Dispatcher, name: str, act: Callable[[Actor], object]) -> None:
    """Let the puppet `name` do something."""
    port.tell(name, act)


def fail(_: Actor) -> None:
    raise ValueError("poison")


class Stage(abc.ABC):
    """Each test gets a fresh `host`; `settle` lets everything happen that can happen without waiting."""

    @abc.abstractmethod
    def settle(self, host: Host) -> None: ...

    @abc.abstractmethod
    def receive(self, host: Host, heard: SimpleQueue[object]) -> object:
        """Return the next message of `heard`, waiting for timers if need be."""

    def spawn(
        self,
        host: Host,
        name: str = "puppet",
        *,
        begin: Callable[[Actor], object] | None = None,
        supervisor: str | None = None,
    ) -> None:
        host.spawn(name, lambda: Puppet(host, name, "audience", begin), supervisor=supervisor)

    def heard(self, host: Host, listener: SimpleQueue[object]) -> list[object]:
        self.settle(host)
        return [listener.get_nowait() for _ in range(listener.qsize())]
