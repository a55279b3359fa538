"""Import of what mini-swe-agent saves (`.traj.json`): a chat, with commands and what they printed.

That agent runs each command in a shell of its own. Ours is one shell for all, so each command is put into a
subshell, and what one leaves behind (a folder, a variable) does not reach the next, as it did not there.
"""

import re
from collections.abc import Mapping
from typing import Any

from refold.eventlog.actions import Finish, Message, Run
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    Event,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    SystemMessageAdded,
)
from refold.eventlog.formats.losses import Losses
from refold.eventlog.formats.pieces import Pieces
from refold.eventlog.formats.plain import rows_of, table_of, text_of, text_or_none, words_of
from refold.eventlog.formats.trajectory import Trajectory
from refold.eventlog.observations import RunOutput

type Json = Mapping[str, Any]

_FENCED = re.compile(r"```(?:mswea_bash_command|bash)\s*\n(.*?)\n```", re.DOTALL)
_RETURN_CODE = re.compile(r"<returncode>(-?\d+)</returncode>")
_OUTPUT = re.compile(r"<output>\n?(.*)</output>", re.DOTALL)


def is_message(value: Any) -> bool:  # noqa: ANN401 - JSON can be anything
    """Tell whether an element is a message of a chat rather than an event of another system."""
    message = table_of(value)
    return "source" not in message and (
        isinstance(message.get("role"), str) or message.get("object") == "response"
    )


def fault_of(value: Any) -> str | None:  # noqa: ANN401 - JSON can be anything
    """Return what a message lacks to be one; None when it is."""
    message = table_of(value)
    if not isinstance(value, dict):
        return f"not an object but {type(value).__name__}"
    return None if {"role", "type", "object"} & message.keys() else "a message without 'role' or 'type'"


def events_of(trajectory: Trajectory) -> tuple[list[Event], tuple[str, ...]]:
    """Return the events and what became none."""
    reading = _Reading()
    for message in trajectory.events:
        reading.read(message.text, message.value)
    return reading.pieces.events, reading.losses.told()


class _Reading:
    """Reads messages in order; `_open` are the commands that nothing has answered yet, oldest first."""

    def __init__(self) -> None:
        self.pieces = Pieces()
        self.losses = Losses()
        self._open: list[tuple[int, str | None]] = []

    def read(self, text: str, message: Json) -> None:
        self.pieces.begin(text)
        extra = table_of(message.get("extra"))
        match text_of(message.get("role") or message.get("type") or message.get("object")):
            case "system":
                self.pieces.add(SystemMessageAdded(content=words_of(message.get("content")), by="system"))
            case "assistant" | "response":
                self._answer(message, extra)
            case "exit":
                self._end(message, extra)
            case "tool" | "function_call_output":
                self._result(message, extra)
            case "user" | "message" if extra.get("exit_status") is not None:
                self._end(message, extra)
            case "user" | "message" if extra.get("interrupt_type") == "FormatError":
                self._leave("a remark on the form of an answer", "format_error")
            case "user" | "message" if self._open and _is_result(message, extra):
                self._result(message, extra)
            case "user" | "message":
                self._open = []
                self.pieces.add(MessageReceived(content=words_of(message.get("content")), by="user"))
            case kind:
                self._leave(f"a message of the kind {kind}", kind)

    def _answer(self, message: Json, extra: Json) -> None:
        """Add the commands of an answer, else what it said."""
        self._open = []
        said = words_of(message.get("content")) or _said(message)
        commands = _commands(message, extra, said)
        for index, (command, call) in enumerate(commands):
            thought = said if index == 0 else ""
            action = Run(command=f"(\n{command}\n)", thought=thought)
            event = ActionProposed(action=action, tool_call_id=call, by="agent")
            self._open.append((self.pieces.add(event, f"extra.actions[{index}]"), call))
        if not commands:
            self.pieces.add(ActionProposed(action=Message(content=said, waits=False), by="agent"))
        self.losses.add("the whole response of a model", "response" in extra)

    def _result(self, message: Json, extra: Json) -> None:
        call = message.get("tool_call_id") or message.get("call_id")
        named = [entry for entry in self._open if call is not None and entry[1] == call]
        entry = next(iter(named or self._open), None)
        if entry is None:
            self._leave("a result that belongs to no command", "result")
            return
        self._open.remove(entry)
        shown = words_of(message.get("content") or message.get("output"))
        self.pieces.add(
            ObservationRecorded(
                observation=RunOutput(content=_output(shown, extra), exit_code=_exit_code(shown, extra)),
                tool_call_id=entry[1],
                cause=entry[0],
                by="system",
            )
        )

    def _end(self, message: Json, extra: Json) -> None:
        """Add how the run ended: with what the agent handed in, or because it was ended."""
        self._open = []
        status = text_of(extra.get("exit_status")) or "exit"
        if status == "Submitted":
            result = text_of(extra.get("submission")) or words_of(message.get("content"))
            self.pieces.add(ActionProposed(action=Finish(message=result), by="agent"))
        else:
            reason = f"the recorded run ended itself: {status}"
            self.pieces.add(AgentStateChanged(state="error", reason=reason, by="system"))

    def _leave(self, loss: str, name: str) -> None:
        self.losses.add(loss)
        self.pieces.add(ForeignRecorded(name=name, by="system"))


def _commands(message: Json, extra: Json, said: str) -> list[tuple[str, str | None]]:
    """Return the commands with the ids of their calls; older files hold them in the text only."""
    found = [table_of(action) for action in rows_of(extra.get("actions"))]
    if found:
        return [
            (text_of(action.get("command")), text_or_none(action.get("tool_call_id")))
            for action in found
            if "command" in action
        ]
    fenced = [] if "actions" in extra or "tool_calls" in message else _FENCED.findall(said)
    return [(text_of(fenced[0]).strip(), None)] if len(fenced) == 1 else []


def _said(message: Json) -> str:
    """Return the words of an answer that is a list of outputs rather than a message."""
    outputs = (table_of(output) for output in rows_of(message.get("output")))
    return "\n".join(words_of(output.get("content")) for output in outputs if output.get("type") == "message")


def _is_result(message: Json, extra: Json) -> bool:
    """Tell whether a message in the user's name is what a command printed."""
    return (
        "returncode" in extra
        or "raw_output" in extra
        or bool(_RETURN_CODE.search(words_of(message.get("content"))))
    )


def _output(shown: str, extra: Json) -> str:
    """Return what the command printed, without what was put around it for the model."""
    if isinstance(extra.get("raw_output"), str):
        return text_of(extra["raw_output"])
    found = _OUTPUT.search(shown)
    return shown if found is None else found[1]


def _exit_code(shown: str, extra: Json) -> int | None:
    code = extra.get("returncode")
    if type(code) is int and abs(code) < 2**31:
        return code
    found = _RETURN_CODE.search(shown)
    return None if found is None else int(found[1][:9])
