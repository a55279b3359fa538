"""Actions, observations and facts in a person's words."""

import re

from refold.eventlog.actions import (
    Action,
    Delegate,
    Edit,
    Finish,
    LoadSkill,
    McpCall,
    Message,
    Other,
    Read,
    Reject,
    Run,
    RunIPython,
    Think,
    TrackTasks,
    Write,
)
from refold.eventlog.condensation import Condensed
from refold.eventlog.events import (
    ActionProposed,
    ActionsConfirmed,
    ActionsRejected,
    AgentStateChanged,
    AskAbandoned,
    CallRefused,
    Event,
    MessageReceived,
    ModelFailed,
    ObservationRecorded,
    RecallRecorded,
    RuntimeConnected,
    RuntimeFailed,
    RuntimeLost,
    SessionClosed,
    SessionFaulted,
    SettingsChanged,
    StuckDetected,
    ToolsListed,
    WarningRaised,
)
from refold.eventlog.observations import (
    Cancelled,
    DelegateResult,
    Failure,
    FileContent,
    FileEdited,
    FileWritten,
    Finished,
    IPythonOutput,
    McpResult,
    Observation,
    OtherObservation,
    OutcomeUnknown,
    RunOutput,
    SkillLoaded,
    TaskList,
    Thought,
)
from refold.eventlog.starting import StartStepEnded

_BESIDE = {"cause", "by", "foreign", "script_digest"}
"""Fields of changed settings that no person set."""
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def plain(text: str) -> str:
    """Return a text without what would steer the terminal that shows it: it may be anybody's words."""
    return _CONTROL.sub("", text.replace("\r\n", "\n"))


def told(event: Event) -> str:
    """Return what matters of a fact beside its type; "" where the type says it all."""
    match event:
        case ActionProposed(action=action):
            thought, deed = did(action)
            return deed or thought
        case ObservationRecorded(observation=observation):
            return f"→{event.cause} {got(observation)[0]}"
        case MessageReceived(content=content):
            return content
        case AgentStateChanged(state=state, reason=reason):
            return f"{state} {reason}"
        case StartStepEnded(step=step, outcome=outcome, detail=detail):
            return f"{step} {outcome}" + (f": {detail}" if detail else "")
        case RuntimeConnected(sandbox=sandbox, resumed=resumed):
            return f"{sandbox}, found alive" if resumed else sandbox
        case ToolsListed(tools=tools):
            return ", ".join(tool.name for tool in tools)
        case RecallRecorded(sources=sources, warnings=warnings):
            return ", ".join((*sources, *warnings))
        case ModelFailed(fault=fault, message=message):
            return f"{fault}: {message}"
        case SessionFaulted(error=error, message=message):
            return f"{error}: {message}"
        case WarningRaised(text=text) | StuckDetected(pattern=text):
            return text
        case Condensed(messages=messages, masked=masked):
            return f"{messages} {'results of tools' if masked else 'messages'} are shown to the model no more"
        case SettingsChanged():
            given = {name: getattr(event, name) for name in event.__struct_fields__ if name not in _BESIDE}
            return ", ".join(f"{name}={value}" for name, value in given.items() if value is not None)
        case ActionsConfirmed(who=who):
            return f"by {who}" if who else ""
        case CallRefused(reason=reason) | ActionsRejected(reason=reason) | AskAbandoned(reason=reason):
            return reason
        case RuntimeFailed(reason=reason) | RuntimeLost(reason=reason) | SessionClosed(reason=reason):
            return reason
        case _:
            return ""


def did(action: Action) -> tuple[str, str]:
    """Return what the agent thought and what it wants to do."""
    match action:
        case Run(command=command, is_input=is_input, thought=thought):
            if is_input:
                return thought, f"types {command!r}"
            if action.restart:
                return thought, f"starts a fresh shell\n$ {command}" if command else "starts a fresh shell"
            return thought, f"$ {command}" if command.strip() else "waits for the command"
        case Read(path=path, view_range=view_range, thought=thought):
            lines = f" lines {view_range[0]}–{view_range[-1]}" if view_range else ""
            return thought, f"reads {path}{lines}"
        case Edit(command=command, path=path, thought=thought):
            return thought, f"{command} {path}{_change(action)}"
        case Write(path=path, thought=thought):
            return thought, f"writes {path}"
        case Think(thought=thought):
            return thought, ""
        case LoadSkill(name=name, thought=thought):
            return thought, f"loads the skill {name}"
        case Finish(message=message, thought=thought):
            return thought, f"finishes: {message}" if message else "finishes"
        case Reject(message=message, thought=thought):
            return thought, f"declines: {message}" if message else "declines"
        case Delegate(agent=agent, task=task, thought=thought):
            return thought, f"delegates to {agent}: {task}"
        case Message(content=content):
            return "", f"says: {content}"
        case RunIPython(code=code, thought=thought):
            return thought, f">>> {code}"
        case TrackTasks(command=command, thought=thought):
            return thought, "plans" if command == "plan" else "looks at its tasks"
        case McpCall(server=server, tool=tool, thought=thought):
            return thought, f"calls {tool} of {server}"
        case Other(name=name, thought=thought):
            return thought, name


def _change(edit: Edit) -> str:
    gone = "".join(f"\n- {line}" for line in (edit.old_str or "").splitlines())
    new = edit.new_str if edit.new_str is not None else edit.file_text
    return gone + "".join(f"\n+ {line}" for line in (new or "").splitlines())


def got(observation: Observation) -> tuple[str, bool]:
    """Return what the world answered, and whether it went well."""
    match observation:
        case RunOutput(content=content, exit_code=exit_code):
            silent: dict[int | None, str] = {0: "", None: "", -1: "[still running]"}
            mark = silent.get(exit_code, f"[exit code {exit_code}]")
            return "\n".join(
                part for part in (content.rstrip("\n"), mark) if part
            ) or "(no output)", exit_code in silent
        case Thought() | Finished() | SkillLoaded():
            return "", True
        case FileContent() | FileEdited() | FileWritten() | OtherObservation():
            return observation.content, not observation.content.startswith("ERROR")
        case DelegateResult(status=status):
            return observation.content, status in {"finished", "awaiting_user_input"}
        case TaskList(content=content) | IPythonOutput(content=content):
            return content, True
        case McpResult(content=content, is_error=is_error):
            return content, not is_error
        case Failure() | OutcomeUnknown() | Cancelled():
            return observation.content, False
