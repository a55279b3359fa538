"""A script whose every step leaves a trace of its own in the workspace."""

import json
from pathlib import Path
from typing import Any

STEPS = 14


def answer(number: int, name: str, arguments: dict[str, Any]) -> str:
    call = {"id": f"call_{number}", "type": "function"}
    message = {
        "role": "assistant",
        "content": f"step {number}",
        "tool_calls": [{**call, "function": {"name": name, "arguments": json.dumps(arguments)}}],
    }
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    response = {"id": f"r{number}", "object": "chat.completion", "created": 1, "model": "script"}
    return json.dumps({**response, "choices": [choice], "usage": usage})


def write_script(folder: Path, *, slow: bool = True) -> Path:
    """Write a script whose every command appends a token of its own, some of them slowly."""
    lines: list[str] = []
    for number in range(STEPS):
        wait = "sleep 0.3; " if slow and number % 3 == 1 else ""
        lines.append(answer(number, "execute_bash", {"command": f"{wait}echo token-{number} >> tokens.txt"}))
    lines.append(answer(STEPS, "finish", {"message": "done"}))
    script = folder / "script.jsonl"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return script
