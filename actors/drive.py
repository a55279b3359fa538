"""One drive of a session: what its actors may have begun in its name, for as long as it lasts.

A name can be retired while its actor's handler runs on another thread. Whatever that handler still does, it
begins nothing that nobody would let go of again, and says nothing to those who came after it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import Dispatcher
from refold.actors.session.messages import Submit, session_name


class Ledger(Protocol):
    """Who knows which sessions are driven, and under which claims."""

    def driving(self, stream: str, claim: str) -> AbstractContextManager[bool]:
        """Say whether `claim` is in force here; that does not change before the context is left."""
        ...

    def ready(self, stream: str, claim: str) -> Callable[[], None]:
        """Prepare all that driving a session takes; return what then has it driven."""
        ...

    def let_go(self, stream: str) -> None:
        """Forget a session's actors, and those of its delegates."""
        ...


class Drive:
    """`stream`, driven under the command `claim`."""

    def __init__(self, port: Dispatcher, ledger: Ledger, stream: str, claim: str) -> None:
        self._port, self._ledger, self._stream, self._claim = port, ledger, stream, claim

    def spawn(self, name: str, make: Callable[[], Actor]) -> None:
        """Let `name` be one of the session's actors, supervised by Session."""
        with self._lasts as lasts:
            if lasts:
                self._port.spawn(name, make, supervisor=session_name(self._stream))

    def adopt(self, stream: str, claim: str) -> None:
        """Drive a delegate whose claim, the command `claim`, was committed with its parent's."""
        with self._ledger.driving(stream, claim) as driven:
            if driven:
                return
        begin = self._ledger.ready(stream, claim)  # Reads the log: nobody is to wait for that.
        with self._lasts as lasts:
            if lasts:
                begin()

    def tell(self, stream: str, submit: Submit) -> None:
        """Hand a command to a delegate."""
        with self._lasts as lasts:
            if lasts:
                self._port.tell(session_name(stream), submit)

    def let_go(self, stream: str) -> None:
        """Forget a delegate's actors."""
        with self._lasts as lasts:
            if lasts:
                self._ledger.let_go(stream)

    @property
    def _lasts(self) -> AbstractContextManager[bool]:
        return self._ledger.driving(self._stream, self._claim)
