"""Import of what SWE-agent saves (`.traj`): one item per step, which holds an action and what came of it.

Its shell commands become ours, and so do calls of the one editor that both have. Its other tools (`open`,
`edit 1:3`, `search_dir` …) are kept as what they were: at a re-enactment they are not available.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from refold.eventlog.actions import Action, Finish, Message, Other, Run
from refold.eventlog.events import (
    ActionProposed,
    AgentStateChanged,
    Event,
    ForeignRecorded,
    MessageReceived,
    ObservationRecorded,
    SystemMessageAdded,
)
from refold.eventlog.formats.calls import action_of_call, answer_to
from refold.eventlog.formats.losses import Losses
from refold.eventlog.formats.pieces import Pieces
from refold.eventlog.formats.plain import rows_of, table_of, text_of, words_of
from refold.eventlog.formats.slices import elements, members
from refold.eventlog.formats.trajectory import Trajectory

type Json = Mapping[str, Any]

_EDITOR = "str_replace_editor"
_OWN_TOOLS = (
    *("open", "goto", "create", "edit", "insert", "append", "scroll_up", "scroll_down", "find_file"),
    *("search_dir", "search_file", "filemap", "view_image", "connect_start", "connect_sendline"),
    *("connect_stop", "debug_start", "debug_stop", "decompile", "disassemble"),
)
_ENDS = "exit"
"""How the actions begin by which that system itself ended a run."""


def is_step(value: Any) -> bool:  # noqa: ANN401 - JSON can be anything
    """Tell whether an element of a trajectory is such a step rather than an event of another system."""
    step = table_of(value)
    return (
        "source" not in step
        and isinstance(step.get("observation"), str | None)
        and bool({"response", "thought", "state"} & step.keys())
    )


def fault_of(value: Any) -> str | None:  # noqa: ANN401 - JSON can be anything
    """Return what a step lacks to be one; None when it is."""
    if not isinstance(value, dict):
        return f"not an object but {type(value).__name__}"
    missing = [name for name in ("action", "observation") if name not in table_of(value)]
    return f"a step without {missing[0]!r}" if missing else None


def events_of(trajectory: Trajectory) -> tuple[list[Event], tuple[str, ...]]:
    """Return the events and what became none."""
    pieces, losses = Pieces(), Losses()
    _begin(trajectory.envelope or "{}", pieces, losses)
    for step in trajectory.events:
        pieces.begin(step.text)
        _step(step.value, pieces, losses)
    around = table_of(table_of(json.loads(trajectory.envelope or "{}")).get("rest"))
    losses.add("an attempt beside the chosen one", len(rows_of(around.get("attempts"))) - 1)
    return pieces.events, losses.told()


def _begin(envelope: str, pieces: Pieces, losses: Losses) -> None:
    """Add the instructions and the task: they stand in the history that was shown to the model."""
    instructed = asked = False
    for part in _history(envelope):
        said = table_of(part.value)
        if said.get("is_demo"):
            losses.add("a message of a demonstration")
        elif said.get("role") == "system" and not instructed:
            instructed = True
            pieces.begin(part.text)
            pieces.add(SystemMessageAdded(content=words_of(said.get("content")), by="system"))
        elif said.get("role") == "user" and not asked:
            asked = True
            pieces.begin(part.text)
            pieces.add(MessageReceived(content=words_of(said.get("content")), by="user"))
        elif said.get("role") == "assistant":
            break  # From here on the steps say the same.


def _history(envelope: str) -> list[Any]:
    rest = members(envelope)[0].get("rest")
    found = None if rest is None else members(envelope, rest[0])[0].get("history")
    return [] if found is None or envelope[found[0]] != "[" else elements(envelope, found[0])[0]


def _step(step: Json, pieces: Pieces, losses: Losses) -> None:
    losses.add("the messages that a model was shown", len(rows_of(step.get("query"))) > 0)
    losses.add("the state of the tools", len(_state(step)) > 1)
    command, observed = text_of(step.get("action")).strip(), text_of(step.get("observation"))
    action = _action(command, step)
    if action is None:
        reason = f"the recorded run ended itself: {command}"
        pieces.add(AgentStateChanged(state="error", reason=reason, by="system"))
        return
    cause = pieces.add(ActionProposed(action=action, by="agent"))
    if isinstance(action, Message):
        if observed:
            pieces.add(ForeignRecorded(name="observation", by="system"), "observation")
            losses.add("an answer to what was no action")
        return
    place = text_of(_state(step).get("working_dir"))
    answer = answer_to(action, observed, directory=place)
    pieces.add(ObservationRecorded(observation=answer, cause=cause, by="system"), "observation")


def _action(command: str, step: Json) -> Action | None:
    """Return what the agent wanted; None where the system, not the agent, ended the run."""
    thought = text_of(step.get("thought"))
    word = command.split(maxsplit=1)[0] if command else ""
    match word:
        case "":
            said = thought or text_of(step.get("response"))
            return Message(content=said, waits=False)
        case "submit":
            return Finish(message="", thought=thought)
        case _ if word == _EDITOR:
            return action_of_call(_EDITOR, _editor_arguments(command), thought)
        case _ if word in _OWN_TOOLS:
            return Other(name=word, arguments={"command": command}, thought=thought)
        case _ if command == word and word.startswith(_ENDS):
            return None
        case _:
            return Run(command=command, thought=thought)


def _editor_arguments(command: str) -> dict[str, Any]:
    """Read a call of the editor that was written as a command: `… view PATH --view_range 1 9`."""
    try:
        words = shlex.split(command)[1:]
    except ValueError:
        return {"text": command}
    given: dict[str, list[str]] = {"": []}
    name = ""
    for word in words:
        if word.startswith("--") and word[2:].isidentifier():
            name = word[2:]
            given[name] = []
        else:
            given[name].append(word)
    places = given.pop("")
    arguments: dict[str, Any] = {name: " ".join(texts) for name, texts in given.items()}
    arguments |= dict(zip(("command", "path"), places, strict=False))
    for name in ("insert_line", "view_range"):
        numbers = [int(text) for text in given.get(name, []) if text.lstrip("-").isdecimal()]
        if numbers:
            arguments[name] = numbers if name == "view_range" else numbers[0]
    return arguments


def _state(step: Json) -> dict[str, Any]:
    """Return what the environment said of itself; older files hold it as a text of JSON."""
    state = step.get("state")
    if isinstance(state, str):
        try:
            state = json.loads(state)
        except (ValueError, RecursionError):
            return {}
    return table_of(state)
