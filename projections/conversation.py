"""The conversation as a model is shown it: turns are whole, calls have results, nothing overtakes."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
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
    ToolsListed,
    Unknown,
    WarningRaised,
)
from refold.eventlog.record import Record
from refold.eventlog.starting import RuntimeReleased, StartEnded, StartStepEnded
from refold.projections.calls import call_of, text_of
from refold.projections.pieces import Piece, condensed
from refold.projections.projection import project
from refold.projections.request import Message, Request, Transcript
from refold.projections.turn import Turn
from refold.projections.wording import context, cut, note, rendered, told


class Conversation:
    """Grows by `add`, record by record; `request` is what a model would be sent at that moment.

    A request is built from the state before its `ModelAsked`. Messages of users wait in the inbox until
    the turn in progress is complete; those that arrive while a model is being asked stand after its answer,
    which was given without them. What was asked for another purpose than a step is no part of it.
    """

    def __init__(self) -> None:
        self._system: Message | None = None
        self._tools: tuple[dict[str, Any], ...] = ()
        self._more: tuple[dict[str, Any], ...] = ()
        self._transcript = Transcript()
        self._pieces: list[Piece] = []
        self._shown = self._asked_until = 0
        self._first: int | None = None
        self._aside: int | None = None
        self._turn: Turn | None = None
        self._inbox: list[tuple[int, Message, list[Message]]] = []
        self._asked = False
        self._actions: dict[int, str] = {}
        self._answer: tuple[int, str] = (-1, "")

    def add(self, record: Record) -> None:
        """Take in the next record; what a model is not shown changes nothing."""
        match record.event:  # What happens most comes first, as in every `evolve`.
            case ActionProposed() as proposed:
                self._proposed(record, proposed)
            case ObservationRecorded() as observed:
                text = rendered(observed.observation)
                self._result(observed.tool_call_id, observed.cause, text, record.version)
            case (
                ActionStarted()
                | AgentStateChanged()
                | SessionClaimed()
                | RuntimeConnected()
                | SessionStarted()
            ):
                pass
            case ModelAsked(purpose="step"):
                self._seal()
                self._asked, self._asked_until = True, len(self._pieces)
            case ModelAsked():
                self._aside = record.version
            case ModelFailed(cause=cause) | AskAbandoned(cause=cause) | ModelAnswered(cause=cause) if (
                cause is not None and cause == self._aside
            ):
                pass
            case ModelFailed() | AskAbandoned():
                self._asked = False
            case ModelAnswered() as answer:
                self._answered(record, answer)
            case MessageReceived(content=content):
                self._first = record.version if self._first is None else self._first
                self._inbox.append((record.version, _from_user(content), []))
            case RecallRecorded() as recall:
                self._recalled(record.version, recall)
            case SystemMessageAdded(content=content, tools=tools):
                self._system = {"role": "system", "content": content}
                self._tools = (*tools, *(tool for tool in self._more if tool not in tools))
            case CallRefused(tool_call_id=id_, reason=reason):
                self._result(id_, None, cut(reason), record.version)
            case Condensed() as fact:
                self._condense(record.version, fact)
            case (
                SessionForked()
                | SessionImported()
                | SessionClosed()
                | SessionFaulted()
                | SettingsChanged()
                | LimitsExtended()
                | WarningRaised()
                | RuntimeFailed()
                | RuntimeLost()
                | ToolsListed()
                | RuntimeReleased()
                | StartStepEnded()
                | StartEnded()
                | LateAnswerRecorded()
                | StuckDetected()
                | CondensationAsked()
                | CondensationFailed()
                | StepReenacted()
                | ActionsConfirmed()
                | ActionsRejected()
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

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What the model was shown, piece by piece, before what it has not answered yet."""
        return tuple(self._pieces[: self._shown])

    @property
    def first(self) -> int | None:
        """The piece that the user's first message begins."""
        return self._first

    @property
    def versions(self) -> list[int]:
        """Where each piece begins, those in the making included."""
        making = [version for version, _, _ in self._inbox]
        if self._turn is not None:
            making.append(self._turn.version)
        return [*(piece.version for piece in self._pieces), *making]

    @property
    def results(self) -> int:
        """How many results of tools are shown whole."""
        return sum(piece.results for piece in self._pieces)

    def _condense(self, version: int, fact: Condensed) -> None:
        """Let the model forget: what is left is the transcript from here on."""
        before = len(self._pieces)
        self._pieces = condensed(self._pieces, version, fact)
        gone = before - len(self._pieces)
        self._shown, self._asked_until = max(self._shown - gone, 0), max(self._asked_until - gone, 0)
        self._transcript = Transcript()
        for piece in self._pieces:
            for message in piece.messages:
                self._transcript.append(message)

    def _answered(self, record: Record, answer: ModelAnswered) -> None:
        if not self._asked:
            self._seal()
            self._asked_until = len(self._pieces)
        self._shown = self._asked_until
        self._asked = False
        self._close_turn()
        turn = Turn(answer.content, written=False, version=record.version)
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
            turn = self._turn = Turn(text_of(proposed.action), written=True, version=record.version)
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
        if recall.tools:
            self._more += recall.tools
            self._tools += tuple(tool for tool in recall.tools if tool not in self._tools)
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
        for version, message, recalled in self._inbox:
            self._append(version, (message, *recalled), 0)
        self._inbox.clear()

    def _append(self, version: int, messages: tuple[Message, ...], results: int) -> None:
        characters = sum(map(self._transcript.append, messages))
        self._pieces.append(Piece(version, messages, characters, results))

    def _close_if_complete(self) -> None:
        if self._turn is not None and not self._turn.open:
            self._close_turn()

    def _close_turn(self) -> None:
        if self._turn is not None and (messages := self._turn.messages()):
            self._append(self._turn.version, tuple(messages), len(self._turn.results))
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
