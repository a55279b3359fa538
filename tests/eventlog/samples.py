"""One event of every type, with every field told: what the golden files are made of."""

from typing import get_args

from refold.eventlog.actions import Edit, Run
from refold.eventlog.condensation import CondensationAsked, CondensationFailed, Condensed
from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    ActionsRejected,
    ActionStarted,
    AgentStateChanged,
    AskAbandoned,
    CallRefused,
    Event,
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
    ToolCall,
    ToolsListed,
    Unknown,
    WarningRaised,
)
from refold.eventlog.observations import FileEdited, RunOutput
from refold.eventlog.settings import Price, Settings
from refold.eventlog.starting import RuntimeReleased, StartEnded, StartStepEnded
from refold.eventlog.tools import ServerTool
from refold.eventlog.usage import Usage

SETTINGS = Settings(
    model="openai/large",
    workspace="/home/ada/work",
    sandbox="bubblewrap",
    agent="codeact",
    base_url="https://models.example/v1",
    price=Price(2.5, 10.0),
    network=True,
    confirm="always",
    iterations_max=7,
    budget_usd=1.5,
    action_timeout_s=60.0,
    silence_timeout_s=5.0,
    retries_max=2,
    repairs_max=3,
    secrets=("TOKEN",),
)
ANSWER = ModelAnswered(
    cause=4,
    model="large-2026-01-01",
    content="I shall look.",
    reasoning="Where else?",
    tool_calls=(ToolCall(id="call_1", name="execute_bash", arguments='{"command": "ls"}'),),
    finish_reason="tool_calls",
    usage=Usage(prompt=100, completion=20, cached=50, cache_written=3, reasoning=7),
    cost_usd=0.00125,
    latency_ns=123_456_789,
    response_id="answer_1",
    details={"signed": ["a", {"b": None}]},
)
FAILURE = ModelFailed(
    cause=4, fault="rate_limit", message="slow down", status=429, retry_after_s=0.5, seen="I sh"
)
EDITED = FileEdited(content="edited", path="a.py", existed=False, old_content="one\n", new_content="zwölf\n")

EVENTS: tuple[Event, ...] = (
    SessionStarted(settings=SETTINGS, task="Mend the test", reenacts="older", strict=True, by="user"),
    SessionForked(parent="parent", version=3, digest="ab" * 32, workspace="/home/ada/copy"),
    SessionImported(source="run.json", format="openhands", events=2, envelope="{}", status="finished"),
    SessionClaimed(
        epoch=2, host="loom", pid=4711, process_started=17, code="0.1.0", configuration="cd" * 32, by="system"
    ),
    SessionClosed(reason="interrupted"),
    SessionFaulted(error="KeyError", message="'x'"),
    SettingsChanged(
        model="script:a.jsonl",
        base_url="http://127.0.0.1:1/v1",
        price=Price(1.0, 2.0),
        confirm="never",
        iterations_max=9,
        budget_usd=2.5,
        script_digest="ef" * 32,
    ),
    LimitsExtended(iterations=100, budget_usd=0.5),
    WarningRaised(text="no sandbox"),
    RuntimeConnected(incarnation="r1", sandbox="local", epoch=2, resumed=True),
    RuntimeFailed(reason="no bwrap"),
    RuntimeLost(incarnation="r1", reason="gone"),
    SystemMessageAdded(content="You are careful.", tools=({"name": "think", "parameters": {}},)),
    MessageReceived(content="Grüß Gott \U0001f9ea", foreign='{"source": "user"}'),
    RecallRecorded(
        cause=3,
        recall="knowledge",
        content="use make",
        sources=("skills/make.md",),
        warnings=("one is broken",),
    ),
    AgentStateChanged(state="rate_limited", reason="429", retry_at=18),
    ModelAsked(
        model="openai/large",
        attempt=2,
        request="12" * 32,
        messages=5,
        step=1,
        tokens_estimated=321,
        script_line=4,
    ),
    ANSWER,
    FAILURE,
    LateAnswerRecorded(cause=4, answer=FAILURE),
    AskAbandoned(cause=4, reason="the driver died"),
    CallRefused(cause=5, tool_call_id="call_1", reason="arguments are no object"),
    StuckDetected(pattern="the same error four times"),
    StepReenacted(source=6, end=True, diverged=True),
    CondensationAsked(
        condenser="summary",
        reason="size",
        step=7,
        forgotten=((4, 9), (12, 12)),
        messages=6,
        tokens=4_000,
        tokens_forgotten=1_500,
        model="small",
        excerpt_characters_max=500,
    ),
    Condensed(
        cause=20,
        condenser="summary",
        reason="context_window",
        step=7,
        forgotten=((4, 9),),
        messages=6,
        tokens=4_000,
        tokens_forgotten=1_500,
        masked=((14, 14),),
        summary="The test was mended.",
    ),
    CondensationFailed(cause=20, reason="the model is gone"),
    ActionProposed(
        cause=5,
        action=Run(command="ls -l", is_input=True, timeout=2.5, thought="look", extra={"why": "x"}),
        tool_call_id="call_1",
    ),
    ActionsConfirmed(actions=(6, 7), digest="34" * 32, by="user"),
    ActionsRejected(actions=(6,), reason="no"),
    ActionStarted(cause=6, incarnation="r1"),
    ObservationRecorded(
        cause=6,
        observation=RunOutput(content="a.py", exit_code=-1, command="ls", directory="/workspace"),
        tool_call_id="call_1",
    ),
    LateResultRecorded(cause=6, observation=EDITED),
    StartStepEnded(
        step="setup",
        outcome="failed",
        seconds=1.5,
        detail="exit code 1",
        found=(".refold/setup.sh",),
        incarnation="r1",
    ),
    StartEnded(seconds=2.5, steps={"runtime": 1.0, "setup": 1.5}, restored=("runner",)),
    RuntimeReleased(),
    ForeignRecorded(name="BrowseURLAction", foreign='{"action": "browse"}'),
    Unknown(cause=1, by="policy", foreign="{}", name="MoodChanged", fields={"mood": ["glad", 3]}),
    ToolsListed(
        tools=(
            ServerTool(
                name="clock_now",
                server="clock",
                tool="now",
                description="The time.",
                parameters={"type": "object", "properties": {}},
                read_only=True,
            ),
        )
    ),
)
EDIT = ActionProposed(
    action=Edit(command="str_replace", path="a.py", old_str="one", new_str="two", insert_line=3)
)
TYPES: frozenset[type] = frozenset(get_args(Event.__value__))
