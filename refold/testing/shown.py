"""What a model is to be shown: each thing that was said, once and in its place, and a result for every call.

`Shown` tells it from the records alone, in a few lines. It gives up where a conversation does not go on from
its beginning: forgotten in part, forked, imported or carried out again.
"""

from typing import TYPE_CHECKING

from refold.eventlog.condensation import Condensed
from refold.eventlog.events import (
    ActionProposed,
    AskAbandoned,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    RecallRecorded,
    SessionForked,
    SessionImported,
    StepReenacted,
)
from refold.eventlog.record import Record
from refold.projections.turn import NO_RESULT
from refold.projections.wording import context

if TYPE_CHECKING:
    from refold.projections.request import Request

ANSWER = "*answer"


class Shown:
    """What a model has been told and has answered so far, in order."""

    def __init__(self) -> None:
        self.known = True
        self._told: list[str] = []
        self._held: list[tuple[int, list[str]]] = []
        """Messages, with what they recalled, that no question held: they stand behind its answer."""
        self._asked = False

    def take(self, record: Record) -> None:
        match record.event:
            case MessageReceived(content=content) if content:
                self._held.append((record.version, [content]))
            case RecallRecorded(cause=cause, content=content) if content:
                for version, texts in self._held:
                    if version == cause:
                        texts.append(context(content))
                        return
                self._held.append((record.version, [context(content)]))
            case ModelAsked(purpose="step"):
                self._tell()
                self._asked = True
            case ModelFailed() | AskAbandoned():
                self._asked = False
            case ModelAnswered() as answer if self._asked:
                self._asked = False
                if answer.content or answer.tool_calls or answer.details:
                    self._told.append(ANSWER)
            case Condensed() | SessionForked() | SessionImported() | StepReenacted() | ModelAsked():
                self.known = False
            case ActionProposed(by="user") | MessageReceived():
                self.known = False
            case _:
                pass

    def _tell(self) -> None:
        for _, texts in self._held:
            self._told += texts
        self._held.clear()

    def wrong(self, request: "Request") -> str | None:
        """Return what is out of its place in a request that is asked now."""
        if not self.known:
            return None
        self._tell()
        said = set(self._told)
        found: list[str] = []
        for message in request.messages:
            match message["role"]:
                case "assistant":
                    found.append(ANSWER)
                case "tool" if message["content"] == NO_RESULT:
                    return f"shows no result of {message['tool_call_id']}"
                case "user" if message["content"] in said:
                    found.append(message["content"])
                case _:
                    pass
        if found == self._told:
            return None
        same = 0
        while found[: same + 1] == self._told[: same + 1]:
            same += 1
        return f"shows {found[same:][:2]} where {self._told[same:][:2]} stands"
