"""What every actor is: pykka's own loop with its traps closed, given turns by a dispatcher.

pykka supplies the vocabulary (inbox, envelope, ref, the loop that handles one message after another); the
dispatcher that builds an actor supplies the inbox, which says when a turn is over. Every private name of
pykka that Refold touches stands in this file.
"""

import abc
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, final, override

import pykka
from pykka import messages
from pykka._envelope import Envelope

if TYPE_CHECKING:
    from types import TracebackType

    from refold.actors.dispatch.port import Dispatcher

__all__ = ["Actor", "Address", "AskInsideActor", "Envelope", "Inbox", "Park", "build", "refuse"]

_PYKKAS_OWN = frozenset(
    {
        messages._ActorStop,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        messages.ProxyCall,
        messages.ProxyGetAttr,
        messages.ProxySetAttr,
    }
)
"""What pykka's own handler is for; all else is for `on_receive`."""


class Park(BaseException):
    """Raised by an inbox that had a message just now to leave pykka's loop; no handler ever sees it."""


class AskInsideActor(RuntimeError):
    """A handler wanted to wait for an answer; actors tell, and are told."""


class Inbox(Protocol):
    """What pykka's loop and refs need of a mailbox."""

    def put(self, envelope: Envelope[Any], /) -> None: ...

    def over(self) -> bool:
        """Return whether this turn has no more messages."""
        ...

    def get(self) -> Envelope[Any]:
        """Return the next message of this turn, or raise `Park`."""
        ...

    def empty(self) -> bool: ...


class _Halt(threading.Event):
    """What pykka's loop looks at before each message: it also leaves the loop when a turn is over.

    That costs less than an exception for each turn, and than the lock of a real event; nobody waits for it.
    """

    def __init__(self, inbox: Inbox) -> None:
        self.stopped = False
        self._over = inbox.over

    @override
    def is_set(self) -> bool:
        return self.stopped or self._over()

    @override
    def set(self) -> None:
        self.stopped = True


class _Here(threading.local):
    """What this thread is doing: for which inbox it builds an actor, and whether an actor has its turn."""

    inbox: Inbox | None = None
    taken: bool = False


_HERE = _Here()


class Address(pykka.ActorRef[Any]):
    """A ref to a name: its mailbox outlives the incarnation, so telling never raises."""

    @override
    def is_alive(self) -> bool:
        return True


class Actor(pykka.Actor):
    """The base of every actor: `on_start` before the first message, then `on_receive` for each.

    An exception out of either ends this incarnation, whoever sent the message and however: what was half done
    is not to be trusted. Whoever supervises the name decides what follows.
    """

    def __init__(self, port: "Dispatcher", name: str) -> None:
        # Not pykka's own constructor: the random urn that it draws takes a quarter of what an actor costs.
        self.port = port
        self.name = name
        self.failure: BaseException | None = None
        self.actor_urn = f"urn:refold:{name}"
        self.actor_inbox = self._create_actor_inbox()
        self.actor_stopped = self._halt = _Halt(self.actor_inbox)
        self._actor_ref = Address(self)
        self._begun = False

    @override
    def __str__(self) -> str:
        return f"{type(self).__name__} {self.name}"

    @override
    @abc.abstractmethod
    def on_receive(self, message: Any) -> object:
        """Handle one message, without blocking; subclasses name the messages they know."""

    @override
    @final
    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        """Say nothing: an incarnation that failed does not act again."""

    def take_turns(self) -> None:
        """Let pykka's loop handle what the inbox hands out; `failure` and `stopped` then say how it went.

        For dispatchers. Never raises.
        """
        taken, _HERE.taken = _HERE.taken, True
        try:
            if not self._begun:
                self._begun = True
                self._start_actor_loop()
            self._actor_loop_running()
        except Park:
            pass
        except BaseException as error:  # noqa: BLE001 - nothing may leave: the thread belongs to all actors
            self._fail(error)
        finally:
            _HERE.taken = taken

    @property
    def stopped(self) -> bool:
        """Whether this incarnation handles no more messages."""
        return self._halt.stopped

    def _fail(self, error: BaseException) -> None:
        if self.failure is None:
            self.failure = error
        self._halt.set()

    # pykka's hooks ------------------------------------------------------------------------------------

    @classmethod
    @override
    def start(cls, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse: pykka would put the actor into its global registry and hold it by a weak ref only."""
        raise TypeError(f"{cls.__name__} is spawned by a dispatcher, not started")

    @staticmethod
    @override
    def _create_actor_inbox() -> Inbox:
        if _HERE.inbox is None:
            raise TypeError("an actor is built by its dispatcher: give `spawn` a `make`")
        return _HERE.inbox

    @staticmethod
    @override
    def _create_future() -> pykka.Future[Any]:
        if _HERE.taken:
            raise AskInsideActor("a handler may not wait for an answer: tell, with a correlation id")
        return pykka.ThreadingFuture()

    @override
    def _start_actor_loop(self) -> None:
        self._actor_loop_setup()

    @override
    def _stop(self) -> None:
        self._halt.set()
        try:
            self.on_stop()
        except Exception as error:  # noqa: BLE001 - as every failure: kept for the dispatcher
            self._fail(error)

    @override
    def _handle_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self._fail(exception_value or RuntimeError("failed without an exception"))

    @override
    def _handle_receive(self, message: Any) -> Any:
        try:
            if type(message) in _PYKKAS_OWN:  # which pykka would find out by four questions
                return super()._handle_receive(message)
            return self.on_receive(message)
        except Exception as error:
            self._fail(error)  # also under ask, where pykka would let a half-changed actor live on
            raise
        except BaseException as error:
            self._fail(error)  # pykka would stop every actor there is, and wait for it
            raise pykka.ActorDeadError(f"{self} died of {type(error).__name__}") from error


def build(make: Callable[[], Actor], inbox: Inbox) -> Actor:
    """Return what `make` makes, with `inbox` for its inbox; raises whatever `make` raises."""
    before = _HERE.inbox, _HERE.taken
    _HERE.inbox, _HERE.taken = inbox, True
    try:
        return make()
    finally:
        _HERE.inbox, _HERE.taken = before


def refuse(envelope: Envelope[Any]) -> None:
    """Answer a message that nobody will handle, if an answer is awaited."""
    if envelope.reply_to is not None:
        error = pykka.ActorDeadError("nobody of that name")
        envelope.reply_to.set_exception((type(error), error, None))
