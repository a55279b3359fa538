"""The demo's patient and scripts: the bug is there, the scripted edit cures it, the answers can be read."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.source import ROOT

DEMO = ROOT / "refold" / "demo"
TOOLS = {"execute_bash", "str_replace_editor", "think", "finish"}


def answers(script: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DEMO / script).read_text().splitlines()]


def calls(script: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for answer in answers(script):
        for call in answer["choices"][0]["message"].get("tool_calls", ()):
            yield call["function"]["name"], json.loads(call["function"]["arguments"])


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    return shutil.copytree(DEMO / "repository", tmp_path / "repository")


def verdict_of_its_tests(patient: Path) -> str:
    command = [sys.executable, "-B", "-m", "unittest"]
    return subprocess.run(
        command, cwd=patient, capture_output=True, text=True, check=False
    ).stderr.splitlines()[-1]


def test_one_test_of_the_patient_fails(patient: Path) -> None:
    assert verdict_of_its_tests(patient) == "FAILED (errors=1)"


def test_the_scripted_edit_cures_the_patient(patient: Path) -> None:
    for tool, arguments in calls("script.jsonl"):
        if tool == "str_replace_editor" and arguments["command"] == "str_replace":
            file = patient / arguments["path"]
            assert file.read_text().count(arguments["old_str"]) == 1
            file.write_text(file.read_text().replace(arguments["old_str"], arguments["new_str"]))
    assert verdict_of_its_tests(patient) == "OK"


def test_the_job_that_is_killed_beside_runs_each_step_once(tmp_path: Path) -> None:
    outputs = [
        subprocess.run(
            ["bash", "-c", arguments["command"].replace("sleep 1", ":")],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        ).stdout
        for tool, arguments in calls("crash.jsonl")
        if tool == "execute_bash"
    ]  # fmt: skip
    assert outputs[-1] == "lines: 6, steps that occur twice: 0\n"


@pytest.mark.parametrize("script", ["script.jsonl", "crash.jsonl"])
def test_a_script_holds_chat_completions_that_end_with_finish(script: str) -> None:
    assert all(answer["object"] == "chat.completion" for answer in answers(script))
    assert all(answer["usage"]["prompt_tokens"] > 0 for answer in answers(script))
    assert len({answer["id"] for answer in answers(script)}) == len(answers(script))
    named = [tool for tool, _ in calls(script)]
    assert set(named) <= TOOLS
    assert named.count("finish") == 1
    assert named[-1] == "finish"


def test_the_examples_show_what_the_package_ships() -> None:
    assert (ROOT / "examples" / "demo").resolve() == DEMO
    assert not (ROOT / "examples" / "demo").readlink().is_absolute()
