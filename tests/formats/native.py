"""A small session of our own, as its log would hold it."""

from refold.eventlog.actions import Edit, Finish, Message, Run, Think
from refold.eventlog.events import (
    ActionProposed,
    ActionsRejected,
    ActionStarted,
    AgentStateChanged,
    CallRefused,
    Event,
    MessageReceived,
    ModelAnswered,
    ModelAsked,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    SessionClaimed,
    SessionStarted,
    SystemMessageAdded,
    ToolCall,
    WarningRaised,
)
from refold.eventlog.observations import Cancelled, Failure, FileEdited, Finished, RunOutput, Thought
from refold.eventlog.settings import Settings
from refold.eventlog.usage import Usage

LS = ToolCall(id="c1", name="execute_bash", arguments='{"command": "ls /home/x/w"}')
THINK = ToolCall(id="c2", name="think", arguments='{"thought": "so"}')
EDIT = ToolCall(
    id="c3",
    name="str_replace_editor",
    arguments='{"command": "create", "path": "a.txt", "file_text": "a\\n"}',
)
REMOVE = ToolCall(id="c4", name="execute_bash", arguments='{"command": "rm -r ."}')
DONE = ToolCall(id="c5", name="finish", arguments='{"message": "done"}')

NATIVE: tuple[Event, ...] = (
    SessionStarted(
        settings=Settings(model="script:x", workspace="/home/x/w", sandbox="local", secrets=("TOKEN",)),
        task="list",
    ),
    SessionClaimed(epoch=1, host="h", pid=1, process_started=1, code="0", configuration="d"),
    RuntimeConnected(incarnation="i", sandbox="local", epoch=1),
    WarningRaised(text="not isolated"),
    SystemMessageAdded(content="You are", tools=({"type": "function"},)),
    MessageReceived(content="list", by="user"),
    AgentStateChanged(state="running"),
    RecallRecorded(cause=5, recall="workspace_context", content="today"),
    ModelAsked(model="m", attempt=1, request="d", messages=2, step=1),
    ModelAnswered(
        cause=8,
        model="m-1",
        content="Let me look.",
        tool_calls=(LS, THINK),
        usage=Usage(prompt=10, completion=5, cached=4),
        cost_usd=0.5,
        response_id="r-1",
    ),
    ActionProposed(cause=9, action=Run(command="ls /home/x/w", thought="Let me look."), tool_call_id="c1"),
    ActionProposed(cause=9, action=Think(thought="so"), tool_call_id="c2"),
    ObservationRecorded(cause=11, observation=Thought(content="logged"), tool_call_id="c2"),
    ActionStarted(cause=10, incarnation="i"),
    ObservationRecorded(
        cause=10,
        observation=RunOutput(content="b", exit_code=0, command="ls /home/x/w", directory="/home/x/w"),
        tool_call_id="c1",
    ),
    ModelAsked(model="m", attempt=1, request="d", messages=4, step=2),
    ModelAnswered(cause=15, model="m-1", tool_calls=(EDIT, REMOVE), usage=Usage(prompt=20), cost_usd=0.25),
    CallRefused(cause=16, tool_call_id="c0", reason="no such tool"),
    ActionProposed(cause=16, action=Edit(command="create", path="a.txt", file_text="a\n"), tool_call_id="c3"),
    ActionProposed(cause=16, action=Run(command="rm -r ."), tool_call_id="c4"),
    ActionStarted(cause=18, incarnation="i"),
    ObservationRecorded(
        cause=18,
        observation=FileEdited(content="File created", path="a.txt", existed=False, new_content="a\n"),
        tool_call_id="c3",
    ),
    ActionsRejected(actions=(19,), reason="no"),
    ObservationRecorded(
        cause=19, observation=Cancelled(content="not executed: no", reason="rejected"), tool_call_id="c4"
    ),
    ActionProposed(action=Message(content="What now?"), by="agent"),
    MessageReceived(content="finish", by="user"),
    ActionProposed(action=Run(command="false"), tool_call_id="c6"),
    ObservationRecorded(cause=26, observation=Failure(content="no shell"), tool_call_id="c6"),
    ActionProposed(action=Finish(message="done"), tool_call_id="c5"),
    ObservationRecorded(cause=28, observation=Finished(content="reported"), tool_call_id="c5"),
    AgentStateChanged(state="finished"),
)
