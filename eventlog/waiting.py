"""The blocking form of an append, for scripts, tests and commands that have nothing else to do."""

from collections.abc import Callable, Sequence
from threading import Event

from refold.eventlog.log import Append, Appended, LogError, OnCommitted


class Waiting:
    """Takes what `append` reports in one thread and gives it back in another."""

    def __init__(self) -> None:
        self._told = Event()
        self._outcome: Appended | LogError | None = None

    def tell(self, outcome: Appended | LogError) -> None:
        self._outcome = outcome
        self._told.set()

    def outcome(self, timeout_s: float) -> Appended:
        if not self._told.wait(timeout_s):
            raise TimeoutError(f"not committed within {timeout_s} s; it may yet be")
        match self._outcome:
            case Appended() as appended:
                return appended
            case LogError() as error:
                raise error
            case None:
                raise AssertionError


def commit(
    append: Callable[..., None], appends: Sequence[Append], timeout_s: float, on: type[Waiting] = Waiting
) -> Appended:
    """Hand in and wait; after a timeout the append may still be committed."""
    waiting = on()
    told: OnCommitted = waiting.tell
    append(*appends, on_committed=told)
    return waiting.outcome(timeout_s)
