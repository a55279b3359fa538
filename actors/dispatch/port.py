"""What an actor may ask of the world it runs in: turns, time, chance, and work done elsewhere.

Two dispatchers keep this port: `pool.py` on real threads, `stepper.py` on one thread with a virtual clock.
Actors know nothing of either.
"""

import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol, Self

from msgspec import Struct

from refold.actors.dispatch.actor import Actor


class ActorFailed(Struct, frozen=True):
    """Told to a supervisor: the actor `name` raised in a handler and takes no turns until it is decided.

    Its mailbox goes on collecting. The supervisor answers with `restart` or `retire`; `trace` is for its log.
    """

    name: str
    error: str
    message: str
    trace: str = ""

    @classmethod
    def of(cls, name: str, failure: BaseException) -> Self:
        trace = "".join(traceback.format_exception(failure))
        return cls(name, type(failure).__name__, str(failure), trace)


class WorkFailed(Struct, frozen=True):
    """Work raised although it must not: `key` names it."""

    key: str
    error: str
    message: str
    trace: str = ""

    @classmethod
    def of(cls, key: str, failure: BaseException) -> Self:
        trace = "".join(traceback.format_exception(failure))
        return cls(key, type(failure).__name__, str(failure), trace)


class Dispatcher(Protocol):
    """Gives actors their turns. None of these calls blocks or raises into an actor."""

    def spawn(self, name: str, make: Callable[[], Actor], *, supervisor: str | None = None) -> None:
        """Let `name` be an actor, built by `make` before its first turn; known names are left as they are.

        Without a supervisor a failed actor is rebuilt at once, at most 5 times in 10 seconds, then retired.
        """
        ...

    def restart(self, name: str) -> None:
        """Build a failed actor anew and go on with its mailbox; the message that it failed on is gone.

        One that has not failed is left as it is: a rebuilt supervisor may restart all its children, because
        it cannot know which failure died with it.
        """
        ...

    def retire(self, name: str) -> None:
        """Forget the name: its mail and timers are dropped. A handler that runs comes to its end.

        The name may be spawned again at once; an outcome of work still under way is told to that one.
        """
        ...

    def tell(self, name: str, message: object) -> None:
        """Put a message into a mailbox; one for nobody is counted as a dead letter."""
        ...

    def at(self, key: str, when_ns: int, name: str, message: object) -> None:
        """Tell `message` at a time (ns UTC); a second call with the same key while it waits is ignored."""
        ...

    def perform(self, key: str, work: Callable[[], object], *, to: str) -> None:
        """Do `work` elsewhere, once per key while it runs, and tell `to` what it returns unless None.

        The work belongs to its key, not to the incarnation that asked for it, and counts as running until
        `to` is handed the outcome: whoever is rebuilt while it lies in the mailbox does not start it again.
        It must not raise; if it does, `WorkFailed` is told.
        """
        ...

    def now_ns(self) -> int:
        """Return the time, ns UTC."""
        ...

    def new_id(self) -> str:
        """Return an id that nobody else has: 32 hex digits."""
        ...

    def draw(self) -> float:
        """Return a random number from 0 to 1."""
        ...

    def point(self, label: str) -> None:
        """Mark a place where a crash would be interesting; does nothing outside the simulator."""
        ...


class Host(Dispatcher, Protocol):
    """A dispatcher seen from outside: how code that is no actor takes part."""

    dead_letters: int

    def listen(self, name: str) -> SimpleQueue[object]:
        """Let whatever is told to `name` arrive in the queue that is returned, until `retire(name)`.

        Raises `ValueError` when the name is taken.
        """
        ...

    def names(self) -> tuple[str, ...]:
        """Return the names that can be told something, in the order in which they came."""
        ...
