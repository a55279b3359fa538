"""What the runtime knows of its hands: the connection, and every action that has no answer yet."""

from msgspec import Struct

from refold.actors.delegation.state import DELEGATE
from refold.eventlog.risk import Risk

ANSWERED_BY_MEMORY = frozenset({"load_skill"})
"""Kinds of actions that touch nothing outside: no runner is told, and no approval is asked for."""


class OpenAction(Struct, frozen=True, kw_only=True):
    """A proposed action without its observation; `incarnation` is set once it was started."""

    version: int
    kind: str
    digest: bytes
    tool_call_id: str | None = None
    confirmed: bool = False
    incarnation: str | None = None
    risk: Risk | None = None
    looks: bool = False
    """It changes nothing, so that it may run beside others that change nothing."""
    name: str = ""
    """The kind in its own words, where `kind` is `other`; the agent, where it is `delegate`."""


class Hands(Struct, frozen=True, kw_only=True):
    """`incarnation` is the runner that answers now, or None; `failure` why the last launch failed."""

    incarnation: str | None = None
    place: str = ""
    """Where the runner that was connected last has its workspace, as commands see it."""
    failure: str | None = None
    losses: int = 0
    """Runners lost since the last observation."""
    launches: int = 0
    """Connections asked for so far, failed ones included; names the next one."""
    open: tuple[OpenAction, ...] = ()

    @property
    def acting(self) -> OpenAction | None:
        """What the runner was told to carry out; a delegate needs none of it."""
        for one in self.open:
            if one.incarnation not in {None, DELEGATE}:
                return one
        return None

    @property
    def started(self) -> OpenAction | None:
        for action in self.open:
            if action.incarnation is not None:
                return action
        return None

    def side_by_side(self, most: int) -> tuple[OpenAction, ...]:
        """Return what may be under way at once: the first, and behind one that only looks, such as it."""
        first = self.open[:1]
        if most <= 1 or not first or not first[0].looks:
            return first
        together = 1
        for opened in self.open[1:most]:
            if not opened.looks:
                break
            together += 1
        return self.open[:together]

    def find(self, version: int | None) -> OpenAction | None:
        return next((action for action in self.open if action.version == version), None)
