"""The conversation as a model is shown it: turns are whole, calls have results, nothing overtakes."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    ActionsRejected,
    ActionStarted,
    AgentStateChanged,
    AskAbandoned,
    CallRefused,
    ForeignRecorded,
    LateAnswerRecorded,
    LateResultRecorded,
    LimitsExtended,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClaimed,
    SessionClosed,
    SessionFaulted,
    SessionForked,
    SessionImported,
    SessionStarted,
    SettingsChanged,
    StepReenacted,
    StuckDetected,
    SystemMessageAdded,
    Unknown,
    WarningRaised,
)
from refold.eventlog.record import Record
from refold.projections.calls import call_of, text_of
from refold.projections.projection import project
from refold.projections.request import Message, Request, Transcript
from refold.projections.turn import Turn
from refold.projections.wording import context, cut, note, rendered, told


class Conversation:
    """Grows by `add`, record by record; `request` is what a model would be sent at that moment.

    A request is built from the state before its `ModelAsked`. Messages of users wait in the inbox until
    the turn in progress is complete; those that arrive while a model is being asked stand after its answer,
    which was given without them.
    """

    def __init__(self) -> None:
        self._system: Message | None = None
        self._tools: tuple[dict[str, Any], ...] = ()
        self._transcript = Transcript()
        self._turn: Turn | None = None
        self._inbox: list[tuple[int, Message, list[Message]]] = []
        self._asked = False
        self._actions: dict[int, str] = {}
        self._answer: tuple[int, str] = (-1, "")

    def add(self, record: Record) -> None:
        """Take in the next record; what a model is not shown changes nothing."""
        match record.event:
            case SystemMessageAdded(content=content, tools=tools):
                self._system = {"role": "system", "content": content}
                self._tools = tools
            case MessageReceived(content=content):
                self._inbox.append((record.version, _from_user(content), []))
            case RecallRecorded() as recall:
                self._recalled(record.version, recall)
            case ModelAsked():
                self._seal()
                self._asked = True
            case ModelFailed() | AskAbandoned():
                self._asked = False
            case ModelAnswered() as answer:
                self._answered(record, answer)
            case ActionProposed() as proposed:
                self._proposed(record, proposed)
            case ObservationRecorded() as observed:
                text = rendered(observed.observation)
                self._result(observed.tool_call_id, observed.cause, text, record.version)
            case CallRefused(tool_call_id=id_, reason=reason):
                self._result(id_, None, cut(reason), record.version)
            case (
                SessionStarted()
                | SessionForked()
                | SessionImported()
                | SessionClaimed()
                | SessionClosed()
                | SessionFaulted()
                | SettingsChanged()
                | LimitsExtended()
                | WarningRaised()
                | RuntimeConnected()
                | RuntimeFailed()
                | RuntimeLost()
                | AgentStateChanged()
                | LateAnswerRecorded()
                | StuckDetected()
                | StepReenacted()
                | ActionsConfirmed()
                | ActionsRejected()
                | ActionStarted()
                | LateResultRecorded()
                | ForeignRecorded()
                | Unknown()
            ):
                pass

    def request(self, model: str, *, parameters: Mapping[str, Any] | None = None) -> Request:
        """Return the request for `model` as things stand."""
        tail = [] if self._turn is None else self._turn.messages()
        for _, message, recalled in self._inbox:
            tail += [message, *recalled]
        return self._transcript.request(
            model, system=self._system, tail=tail, tools=self._tools, parameters=parameters or {}
        )

    def _answered(self, record: Record, answer: ModelAnswered) -> None:
        if not self._asked:
            self._seal()
        self._asked = False
        self._close_turn()
        turn = Turn(answer.content, written=False)
        turn.details = answer.details
        for call in answer.tool_calls:
            turn.call(call.id, call.name, call.arguments)
        self._turn = turn
        self._answer = (record.version, record.command)
        self._close_if_complete()

    def _proposed(self, record: Record, proposed: ActionProposed) -> None:
        """Note which call an action came from; write the turn of one that came from no model's answer."""
        turn = self._turn
        id_ = proposed.tool_call_id
        if turn is not None and not turn.written and id_ is not None and id_ in turn.open:
            self._actions[record.version] = id_
        elif record.cause == self._answer[0] or record.command == self._answer[1]:
            return  # the text of the answer, which stands there already
        elif proposed.by == "user":
            self._inbox.append((record.version, _from_user(told(proposed.action)), []))
        else:
            self._write_turn(record, proposed)

    def _write_turn(self, record: Record, proposed: ActionProposed) -> None:
        called = call_of(proposed.action)
        turn = self._turn
        if turn is None or not turn.written or turn.results or called is None:
            self._seal()
            turn = self._turn = Turn(text_of(proposed.action), written=True)
        elif text := text_of(proposed.action):
            turn.content = f"{turn.content}\n{text}" if turn.content else text
        if called is not None:
            name, arguments = called
            id_ = proposed.tool_call_id or f"call_{record.version}"
            turn.call(id_, name, msgspec.json.encode(arguments).decode())
            self._actions[record.version] = id_
        self._close_if_complete()

    def _result(self, id_: str | None, cause: int | None, text: str, version: int) -> None:
        """Answer a call of the turn in progress; what answers none is told as a note."""
        turn = self._turn
        for key in (id_, None if cause is None else self._actions.get(cause)):
            if turn is not None and key is not None and key in turn.open:
                turn.answer(key, text)
                self._close_if_complete()
                return
        self._inbox.append((version, _from_user(note(text)), []))

    def _recalled(self, version: int, recall: RecallRecorded) -> None:
        if not recall.content:
            return
        message = _from_user(context(recall.content))
        for at, _, recalled in self._inbox:
            if at == recall.cause:
                recalled.append(message)
                return
        self._inbox.append((version, message, []))

    def _seal(self) -> None:
        """Let everything so far be what a model has seen."""
        self._close_turn()
        for _, message, recalled in self._inbox:
            for each in (message, *recalled):
                self._transcript.append(each)
        self._inbox.clear()

    def _close_if_complete(self) -> None:
        if self._turn is not None and not self._turn.open:
            self._close_turn()

    def _close_turn(self) -> None:
        if self._turn is not None:
            for message in self._turn.messages():
                self._transcript.append(message)
        self._turn = None
        self._actions.clear()


class ConversationProjection:
    """`Conversation` as a projection: it grows in place."""

    def initial(self) -> Conversation:
        return Conversation()

    def fold(self, state: Conversation, record: Record) -> Conversation:
        state.add(record)
        return state


def conversation(records: Iterable[Record]) -> Conversation:
    """Return the conversation after `records`, the first ones of a stream."""
    return project(ConversationProjection(), records)


def _from_user(content: str) -> Message:
    return {"role": "user", "content": content or "[empty message]"}
