"""Our actions, observations and model answers in the shape that recorded trajectories have."""

from collections.abc import Sequence
from typing import Any

import msgspec

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
from refold.eventlog.events import ModelAnswered
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
from refold.eventlog.tasks import Task

type Json = dict[str, Any]

_EDITOR = "oh_aci"


class Shape(msgspec.Struct, frozen=True):
    """A kind, the derived text that tells people what happened, and the fields (`args` or `extras`)."""

    kind: str
    message: str
    fields: Json


def action_shape(action: Action, *, confirmation: str) -> Shape:
    thought = action.thought
    match action:
        case Run(command=command, is_input=is_input):
            fields: Json = {"command": command, "is_input": is_input, "thought": thought, "blocking": False}
            fields |= {"is_static": False, "cwd": None, "hidden": False, "confirmation_state": confirmation}
            return Shape("run", f"Running command: {command}", fields)
        case RunIPython(code=code):
            fields = {"code": code, "thought": thought, "confirmation_state": confirmation}
            return Shape("run_ipython", f"Running Python code interactively: {code}", fields)
        case Read(path=path, view_range=lines):
            fields = {"path": path, "start": 0, "end": -1, "thought": thought, "impl_source": _EDITOR}
            fields["view_range"] = None if lines is None else list(lines)
            return Shape("read", f"Reading file: {path}", fields)
        case Edit(path=path):
            fields = {
                "path": path,
                "command": action.command,
                "file_text": action.file_text,
                "old_str": action.old_str,
                "new_str": action.new_str,
                "insert_line": action.insert_line,
            }
            fields |= {"content": "", "start": 1, "end": -1, "thought": thought, "impl_source": _EDITOR}
            return Shape("edit", f"Editing file: {path}", fields)
        case Write(path=path, content=content, start=start, end=end):
            fields = {"path": path, "content": content, "start": start, "end": end, "thought": thought}
            return Shape("write", f"Writing file: {path}", fields)
        case Think():
            return Shape("think", f"I am thinking...: {thought}", {"thought": thought})
        case LoadSkill(name=name):
            return Shape("load_skill", f"Loading the skill {name}", {"name": name, "thought": thought})
        case Finish(message=message):
            fields = {"final_thought": message, "outputs": {}, "thought": thought}
            return Shape("finish", message or "All done! What's next on the agenda?", fields)
        case Reject(message=message):
            fields = {"outputs": {"reason": message} if message else {}, "thought": thought}
            return Shape("reject", message or "Task is rejected by the agent.", fields)
        case Delegate(agent=agent, inputs=inputs):
            fields = {"agent": agent, "inputs": inputs, "thought": thought}
            return Shape("delegate", f"I'm asking {agent} for help with this task.", fields)
        case Message(content=content, waits=waits):
            fields = {"content": content, "file_urls": None, "image_urls": None, "wait_for_response": waits}
            return Shape("message", content, fields)
        case TrackTasks(command=command, task_list=tasks):
            fields = {"command": command, "task_list": _rows(tasks), "thought": thought}
            return Shape("task_tracking", f"Managing {len(tasks)} tasks", fields)
        case McpCall(name=name, arguments=arguments):
            fields = {"name": name, "arguments": arguments, "thought": thought}
            return Shape("call_tool_mcp", f"Calling {name}", fields)
        case Other(name=name, arguments=arguments):
            return Shape(name, f"Calling {name}", {**arguments, "thought": thought} if thought else arguments)


def observation_shape(observation: Observation) -> Shape | None:
    """Return the shape; None for the answer to `finish`, which trajectories do not hold."""
    match observation:
        case RunOutput(command=command, exit_code=exit_code, directory=directory):
            code = -1 if exit_code is None else exit_code
            metadata: Json = {"exit_code": code, "pid": -1, "username": None, "hostname": None}
            metadata |= {"working_dir": directory, "py_interpreter_path": None, "prefix": "", "suffix": ""}
            message = f"Command `{command}` executed with exit code {code}."
            return Shape("run", message, {"command": command, "metadata": metadata, "hidden": False})
        case IPythonOutput(code=code):
            return Shape("run_ipython", "Code executed in IPython cell.", {"code": code, "image_urls": None})
        case FileContent(path=path):
            return Shape("read", f"I read the file {path}.", {"path": path, "impl_source": _EDITOR})
        case FileWritten(path=path):
            return Shape("write", f"I wrote to the file {path}.", {"path": path})
        case FileEdited(path=path):
            fields: Json = {"path": path, "prev_exist": observation.existed, "impl_source": _EDITOR}
            fields |= {"old_content": observation.old_content, "new_content": observation.new_content}
            return Shape("edit", f"I edited the file {path}.", fields)
        case Thought(content=content):
            return Shape("think", content, {})
        case SkillLoaded(source=source):
            return Shape("load_skill", f"I read the skill {source}.", {"source": source})
        case Finished():
            return None
        case DelegateResult(content=content):
            return Shape("delegate", "", {"outputs": {"content": content}})
        case Cancelled(content=content, reason="rejected" | "user_wrote"):
            return Shape("user_rejected", content, {})
        case TaskList(content=content, command=command, task_list=tasks):
            return Shape("task_tracking", content, {"command": command, "task_list": _rows(tasks)})
        case McpResult(content=content, tool=tool):
            return Shape("mcp", content, {"name": tool, "arguments": {}})
        case Failure(content=content) | OutcomeUnknown(content=content) | Cancelled(content=content):
            return Shape("error", content, {"error_id": ""})
        case OtherObservation(name=name, content=content, fields=fields):
            return Shape(name, content, fields)


def _rows(tasks: Sequence[Task]) -> list[Json]:
    return [{"title": task.title, "status": task.status, "notes": task.notes} for task in tasks]


def function_of(action: Action) -> str:
    """Return the tool that recorded trajectories name for the action."""
    match action:
        case Run():
            return "execute_bash"
        case Read() | Edit() | Write():
            return "str_replace_editor"
        case Think():
            return "think"
        case LoadSkill():
            return "load_skill"
        case Finish():
            return "finish"
        case Reject():
            return "reject"
        case Delegate():
            return "delegate"
        case RunIPython():
            return "execute_ipython_cell"
        case TrackTasks():
            return "task_tracker"
        case McpCall(name=name) | Other(name=name):
            return name
        case Message():
            return ""


def arguments_of(action: Action) -> Json:
    """Return the arguments that a call of the action's tool would have had."""
    match action:
        case McpCall(arguments=arguments) | Other(arguments=arguments):
            return arguments
        case Think(thought=thought):
            return {"thought": thought}
        case Delegate(agent=agent, task=task):
            return {"agent": agent, "task": task}
        case _:
            given: Json = msgspec.to_builtins(action)
            given = {key: value for key, value in given.items() if key not in ("kind", "thought", "extra")}
            return {"command": "view", **given} if isinstance(action, Read) else given


def completion(answer: ModelAnswered, *, at: int, version: int) -> Json:
    """Return the answer as the `chat.completion` object that it was, or could have been."""
    calls = [
        {
            "index": index,
            "function": {"arguments": call.arguments, "name": call.name},
            "id": call.id,
            "type": "function",
        }
        for index, call in enumerate(answer.tool_calls)
    ]
    message: Json = {"content": answer.content or None, "role": "assistant", "tool_calls": calls or None}
    finish = answer.finish_reason or ("tool_calls" if calls else "stop")
    usage = answer.usage
    return {
        "id": answer.response_id or f"refold-{version}",
        "created": at // 1_000_000_000,
        "model": answer.model,
        "object": "chat.completion",
        "system_fingerprint": None,
        "choices": [{"finish_reason": finish, "index": 0, "message": message | {"function_call": None}}],
        "usage": {
            "completion_tokens": usage.completion,
            "prompt_tokens": usage.prompt,
            "total_tokens": usage.prompt + usage.completion,
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
            "prompt_tokens_details": {"audio_tokens": None, "cached_tokens": usage.cached},
            "cache_creation_input_tokens": usage.cache_written,
            "cache_read_input_tokens": usage.cached,
        },
    }
