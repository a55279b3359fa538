"""The Memory actor: looks up, for each message of the user, what the agent should know beside it."""

from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from refold.actors.dispatch.port import Dispatcher
from refold.actors.follower import Follower
from refold.actors.session.commands import ReportRecall
from refold.actors.session.due import Effect, Recall
from refold.actors.session.messages import memory_name
from refold.actors.session.state import State
from refold.eventlog.events import MessageReceived, RecallRecorded
from refold.eventlog.log import EventLog
from refold.eventlog.record import Record
from refold.eventlog.settings import Settings


class Sources(Protocol):
    """Where memory looks. Both may read files; neither raises: what is unreadable is a warning."""

    def workspace(self, settings: Settings, text: str, now_ns: int) -> RecallRecorded:
        """Return what the agent should know of its workspace, and of whatever `text` triggers."""
        ...

    def knowledge(self, settings: Settings, text: str, shown: tuple[str, ...]) -> RecallRecorded:
        """Return the texts that `text` triggers, without those `shown` before."""
        ...


class _Recalled(Struct, frozen=True):
    message: int
    fact: RecallRecorded


class MemoryActor(Follower):
    def __init__(self, port: Dispatcher, stream: str, log: EventLog, met: State, sources: Sources) -> None:
        super().__init__(port, memory_name(stream), stream, log, met)
        self._sources = sources
        self._messages: dict[int, str] = {}

    def on_record(self, record: Record) -> None:
        match record.event:
            case MessageReceived(content=content):
                self._messages[record.version] = content
            case RecallRecorded(cause=cause) if cause is not None:
                self._messages.pop(cause, None)
            case _:
                pass

    def perform(self, effect: Effect) -> None:
        settings = self._state.life.settings
        if not isinstance(effect, Recall) or settings is None:
            return
        text, message, first = self._messages.get(effect.message, ""), effect.message, effect.first
        sources, now_ns, shown = self._sources, self.port.now_ns(), self._state.recall.shown

        def work() -> _Recalled:
            if first:
                return _Recalled(message, sources.workspace(settings, text, now_ns))
            return _Recalled(message, sources.knowledge(settings, text, shown))

        self.port.perform(self.key(effect), work, to=self.name)

    def on_outcome(self, message: object) -> None:
        if not isinstance(message, _Recalled):
            raise TypeError(f"not a message to memory: {message!r}")
        self.tell_session(
            ReportRecall(
                id=f"{self._stream}/recall/{message.message}",
                at=self.port.now_ns(),
                fact=replace(message.fact, cause=message.message),
            )
        )
