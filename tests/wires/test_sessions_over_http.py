"""Whole sessions against a model server that nobody here wrote, every fault on the way; then without it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.models.aimock import running_aimock

TASK = "write a greeting"


def refold(
    home: Path, *arguments: str, url: str = "", timeout_s: float = 120
) -> subprocess.CompletedProcess[str]:
    keys = {"OPENAI_API_KEY": "sk-test", "ANTHROPIC_API_KEY": "sk-test"}
    server = ["--base-url", url] if url else []
    command = [sys.executable, "-m", "refold", *arguments, *server, "--home", str(home)]
    environment = {**os.environ, **keys}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=timeout_s, env=environment
    )


def turn(index: int, *, after: int = 0, **response: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Answer the request with `index` turns of the assistant in it, for the `after`-th time."""
    match = {"model": "some-model", "turnIndex": index, "sequenceIndex": after}
    pace = ("chunkSize", "latency", "truncateAfterChunks")
    more: dict[str, Any] = {key: response.pop(key) for key in pace if key in response}
    return {"match": match, "response": response, **more}


def call(name: str, id_: str, arguments: dict[str, Any] | str) -> dict[str, Any]:
    return {"name": name, "arguments": arguments, "id": id_}


def failing(status: int, message: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"error": {"message": message, "type": "some_error"}, "status": status, **more}


FIXTURES = [
    turn(0, **failing(429, "too many requests", retryAfter=1)),
    turn(0, after=1, **failing(500, "the server stumbled")),
    turn(
        0,
        after=2,
        content="I will write it to a file, and then have a look at it to be sure.",
        chunkSize=4,
        latency=5,
        truncateAfterChunks=4,
    ),
    turn(
        0,
        after=3,
        content="Writing.",
        toolCalls=[call("execute_bash", "call_a", {"command": "echo hello > greeting.txt"})],
    ),
    turn(1, toolCalls=[call("execute_bash", "call_b", {"wrong": "no command"})]),
    turn(2, toolCalls=[call("str_replace_editor", "call_c", {"command": "view", "path": "greeting.txt"})]),
    turn(3, toolCalls=[call("finish", "call_d", {"message": "done"})]),
]


@pytest.fixture(params=["openai", "anthropic"])
def provider(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_session_lives_through_every_fault_of_the_wire_and_is_proved_without_it(
    tmp_path: Path, provider: str
) -> None:
    home = tmp_path / "home"
    with running_aimock(tmp_path) as server:
        server.serve(*FIXTURES)
        url = server.openai_url if provider == "openai" else server.anthropic_url
        model = ["--model", f"{provider}/some-model", "--sandbox", "local", "--session", "s"]
        done = refold(home, "run", *model, TASK, url=url)
        assert done.returncode == 0, done.stderr + refold(home, "events", "s").stdout
        asked = len(server.requests())
    check(home, asked)


def check(home: Path, asked: int) -> None:
    records = [json.loads(line) for line in refold(home, "events", "s", "--json").stdout.splitlines()]
    failed = [record["data"]["fault"] for record in records if record["type"] == "ModelFailed"]
    assert failed[:2] == ["rate_limit", "server"]
    assert len(failed) == 3
    assert failed[2] in {"cut_off", "connection"}
    assert sum(record["type"] == "ModelAsked" for record in records) == asked == 7
    assert sum(record["type"] == "CallRefused" for record in records) == 1
    assert (home / "sessions" / "s" / "workspace" / "greeting.txt").read_text(encoding="utf-8") == "hello\n"
    waited = [r["data"] for r in records if r["type"] == "AgentStateChanged" and r["data"]["retry_at"]]
    asked_at = [r["at"] for r in records if r["type"] == "ModelAsked"]
    assert all(change["retry_at"] <= later for change, later in zip(waited, asked_at[1:], strict=False))
    assert refold(home, "verify", "s").returncode == 0
    shown = json.loads(refold(home, "show", "s", "--json").stdout)
    assert shown["status"] == "finished"
    assert shown["iterations"] == 4
    exported = json.loads(refold(home, "export", "s", "--format", "openhands").stdout)
    assert [event["action"] for event in exported if event.get("action") in {"run", "read", "finish"}] == [
        "run",
        "read",
        "finish",
    ]
