"""A session as its deciders see it: six nouns, each with just what its decisions need. Bounded in size."""

from msgspec import Struct

from refold.actors.controller.state import Agent
from refold.actors.delegation.state import Delegates
from refold.actors.memory.state import Recall
from refold.actors.runtime.state import Hands
from refold.actors.start.state import Start
from refold.eventlog.settings import Settings
from refold.eventlog.tools import ServerTool


class Life(Struct, frozen=True, kw_only=True):
    """Where the session came from and who drives it; `origin` is the stream it was forked from."""

    settings: Settings | None = None
    task: str | None = None
    epoch: int = 0
    closed: bool = False
    imported: bool = False
    origin: str | None = None
    parent: str | None = None
    action: int | None = None
    """The stream that this one is a delegate of, and the action there that it answers."""
    greeted: bool = False
    """The system message stands: the start is through."""
    recalled: tuple[str, ...] = ()
    """Those of the tools that are offered because of what was recalled."""
    tools: tuple[str, ...] = ()
    """What it is offered, by name: its calls are read against these."""
    servers: tuple[ServerTool, ...] | None = None
    """What servers offer, once they were asked: as many tools as the configuration lets them."""


class State(Struct, frozen=True, kw_only=True):
    """Everything that a session's deciders know, after the event at `version`."""

    version: int = -1
    life: Life = Life()
    agent: Agent = Agent()
    recall: Recall = Recall()
    hands: Hands = Hands()
    delegates: Delegates = ()
    start: Start = Start()


def initial_state() -> State:
    return State()
