"""Sessions with delegates on real threads: a home, scripts of model answers, and whom to delegate to."""

import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import refold
from refold.eventlog.events import Event, LateResultRecorded, ObservationRecorded
from refold.eventlog.observations import DelegateResult
from refold.eventlog.settings import AgentSettings
from refold.session import Session
from refold.system import System

type Call = tuple[str, dict[str, Any]]
type Said = str | list[Call]
"""What a model says once: plain text, or calls."""

FINISH: Call = ("finish", {"message": "done"})


def run(command: str) -> Call:
    return "execute_bash", {"command": command}


def delegate(agent: str = "helper", task: str = "your part") -> Call:
    return "delegate", {"agent": agent, "task": task}


def write_script(folder: Path, name: str, *said: Said) -> str:
    """Write a script of answers, and return the model's name."""
    lines: list[str] = []
    for number, each in enumerate(said):
        calls = [
            {
                "id": f"c{number}-{index}",
                "type": "function",
                "function": {"name": tool, "arguments": json.dumps(arguments)},
            }
            for index, (tool, arguments) in enumerate([] if isinstance(each, str) else each)
        ]
        content = each if isinstance(each, str) else ""
        message = {"role": "assistant", "content": content, "tool_calls": calls or None}
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        lines.append(
            json.dumps({"id": str(number), "object": "chat.completion", "choices": [choice], "usage": usage})
        )
    path = folder / f"{name}.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"script:{path}"


class Household:
    """A home to start families in; `helper` says what `helps` holds."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"

    @contextmanager
    def open(self) -> Generator[System]:
        with refold.open(self.home) as system:
            yield system

    def start(
        self,
        system: System,
        parent: list[Said],
        helps: list[Said],
        *,
        deep: list[Said] | None = None,
        grant: AgentSettings | None = None,
        **options: Any,  # noqa: ANN401 - options of a start
    ) -> Session:
        grant = grant or AgentSettings()
        model = write_script(self.folder, "helper", *helps)
        agents = {
            "helper": AgentSettings(
                agent=grant.agent or "codeact",
                description="helps",
                model=model,
                iterations_max=grant.iterations_max,
                budget_usd=grant.budget_usd,
            )
        }
        if deep is not None:
            agents["deep"] = AgentSettings(agent="codeact", model=write_script(self.folder, "deep", *deep))
        return system.start(
            "all of it",
            session="p",
            model=write_script(self.folder, "parent", *parent),
            sandbox="local",
            agents=agents,
            **options,
        )


def results(system: System, session: str = "p") -> list[DelegateResult]:
    """Return what came of the delegates of a session, in order."""
    return [
        event.observation
        for event in facts(system, session)
        if isinstance(event, ObservationRecorded | LateResultRecorded)
        and isinstance(event.observation, DelegateResult)
    ]


def facts(system: System, session: str) -> list[Event]:
    return [record.event for record in system.log.read(session)]


def children(system: System) -> list[str]:
    return [stream for stream in system.log.streams() if "~" in stream]


def until(system: System, session: str, met: Callable[[Event], bool], timeout_s: float = 60) -> None:
    """Wait until something is committed to a session, also where it is not there yet."""
    subscription, end = system.log.subscribe(), time.monotonic() + timeout_s
    try:
        while time.monotonic() < end:
            for record in subscription.take(timeout_s=0.5):
                if record.stream == session and met(record.event):
                    return
    finally:
        subscription.close()
    raise AssertionError(f"nothing of the kind was committed to {session}")
