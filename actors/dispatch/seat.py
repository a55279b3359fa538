"""A name's place with a dispatcher: its mailbox, and the incarnation that sits there now."""

import enum
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from refold.actors.dispatch.actor import Actor, Envelope, Park

REBUILDS_MAX = 5
REBUILDS_WITHIN_NS = 10 * 10**9


class Outcome(Envelope[object]):
    """What came of the work `key`; the key is free again once this is handed to its actor."""

    __slots__ = ("key",)

    def __init__(self, message: object, key: str) -> None:
        super().__init__(message)
        self.key = key


class Stage(enum.Enum):
    """What a seat is doing. Only `RUNNING` has an actor inside a handler."""

    IDLE = enum.auto()
    QUEUED = enum.auto()
    RUNNING = enum.auto()
    FAILED = enum.auto()
    RETIRED = enum.auto()


class Post(Protocol):
    """What a seat needs of its dispatcher."""

    def deliver(self, name: str, envelope: Envelope[Any]) -> None: ...

    def hand_out(self, outcome: Outcome) -> None: ...


class Rebuilds:
    """How often an unsupervised actor may fail: `REBUILDS_MAX` times in `REBUILDS_WITHIN_NS`."""

    def __init__(self) -> None:
        self._at: deque[int] = deque(maxlen=REBUILDS_MAX)

    def allow(self, now_ns: int) -> bool:
        """Count one more and say whether it may be."""
        if len(self._at) == REBUILDS_MAX and now_ns - self._at[0] < REBUILDS_WITHIN_NS:
            return False
        self._at.append(now_ns)
        return True


class Seat:
    """The mailbox belongs to the name; actors come and go. `lock` guards mail and stage."""

    __slots__ = (
        "actor",
        "budget",
        "lock",
        "mail",
        "make",
        "name",
        "post",
        "rebuilds",
        "stage",
        "successor",
        "supervisor",
    )

    def __init__(self, post: Post, name: str, make: Callable[[], Actor], supervisor: str | None) -> None:
        self.post = post
        self.name = name
        self.make = make
        self.supervisor = supervisor
        self.mail: deque[Envelope[Any]] = deque()
        self.stage = Stage.QUEUED
        self.actor: Actor | None = None
        self.budget = 0
        self.lock = threading.Lock()
        self.rebuilds = Rebuilds()
        self.successor: Seat | None = None

    def put(self, envelope: Envelope[Any], /) -> None:
        self.post.deliver(self.name, envelope)

    def over(self) -> bool:
        return self.budget <= 0 or not self.mail

    def get(self) -> Envelope[Any]:
        self.budget -= 1
        try:
            envelope = self.mail.popleft()
        except IndexError:  # retired from another thread just now
            raise Park from None
        if isinstance(envelope, Outcome):
            self.post.hand_out(envelope)
        return envelope

    def empty(self) -> bool:
        return not self.mail
