"""Sessions embedded in a program: the synchronous face and the awaited one."""

import asyncio
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

import refold
from refold.errors import CommandRefused, NotDriven, SessionDriven, SessionExists, WrongUsage
from refold.eventlog.events import AgentStateChanged, SettingsChanged
from refold.eventlog.settings import AgentSettings
from refold.testing.rival import claim

DEMO = Path(str(files("refold"))) / "demo"


def script(folder: Path, *answers: tuple[str, list[tuple[str, dict[str, Any]]]]) -> str:
    lines: list[str] = []
    for number, (content, calls) in enumerate(answers):
        made = [
            {
                "id": f"c{number}-{i}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(a)},
            }
            for i, (name, a) in enumerate(calls)
        ]
        message = {"role": "assistant", "content": content, "tool_calls": made or None}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        lines.append(json.dumps({"id": str(number), "object": "chat.completion", "choices": [choice]}))
    path = folder / "script.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"script:{path}"


def shell(command: str) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """Return the answer of a model that has this command run."""
    return "", [("execute_bash", {"command": command})]


FINISH: tuple[str, list[tuple[str, dict[str, Any]]]] = ("", [("finish", {"message": "done"})])


def test_a_program_starts_watches_and_steers_a_session(tmp_path: Path) -> None:
    model = script(tmp_path, ("What is your name?", []), FINISH)
    glimpses: list[str] = []
    with refold.open(
        tmp_path / "home", on_glimpse=lambda _session, _of, text: glimpses.append(text)
    ) as system:
        session = system.start("greet me", model=model, sandbox="local")
        seen = list(session.watch())
        assert session.status == "awaiting_user_input"
        session.say("Ada")
        assert session.wait(timeout=60).agent.state == "finished"
        more = list(session.watch(after=seen[-1].version))
    assert [record.version for record in (*seen, *more)] == list(range(len(seen) + len(more)))
    assert isinstance(more[-1].event, AgentStateChanged)


def test_a_session_is_resumed_by_another_system(tmp_path: Path) -> None:
    model = script(tmp_path, ("And?", []), FINISH)
    with refold.open(tmp_path / "home") as system:
        name = system.start("ask", model=model, sandbox="local").name
        refold.Session(system, name).wait(timeout=60)
        with (
            refold.open(tmp_path / "home") as second,
            pytest.raises(SessionDriven, match="driven by process"),
        ):
            second.resume(name)
    with refold.open(tmp_path / "home") as system:
        session = system.resume(name)
        session.say("go")
        assert session.wait(timeout=60).agent.state == "finished"
        session.close()
        with pytest.raises(NotDriven):
            session.say("too late")


def test_a_session_that_another_driver_took_can_be_taken_up_again_by_the_same_system(tmp_path: Path) -> None:
    model = script(tmp_path, ("And?", []), FINISH)
    with refold.open(tmp_path / "home") as system:
        session = system.start("ask", model=model, sandbox="local")
        session.wait(timeout=60)
        claim(system.log, session.name, 0, "elsewhere")
        with pytest.raises(NotDriven):
            session.say("Yes.")
        assert system.trouble(session.name) is not None
        system.let_go(session.name, end_runner=False)
        again = system.resume(session.name)
        assert system.trouble(session.name) is None
        again.say("Yes.")
        assert again.wait(timeout=60).agent.state == "finished"


def test_what_cannot_be_is_refused_and_records_nothing(tmp_path: Path) -> None:
    with refold.open(tmp_path / "home", environment={}) as system:
        with pytest.raises(WrongUsage, match="no model"):
            system.start("x")
        with pytest.raises(WrongUsage, match="openai/NAME"):
            system.start("x", model="nonsense")
        with pytest.raises(WrongUsage, match="OPENAI_API_KEY"):
            system.start("x", model="openai/some-model")
        misspelt: dict[str, Any] = {"modle": "openai/some-model"}
        with pytest.raises(TypeError, match="modle"):
            system.start("x", model=script(tmp_path, FINISH), **misspelt)
        assert list(system.log.streams()) == []
        session = system.start(session="one", model=script(tmp_path, FINISH), sandbox="local")
        with pytest.raises(SessionExists, match="resume"):
            system.start(session="one", model=script(tmp_path, FINISH))
        session.wait(timeout=60)
        with pytest.raises(CommandRefused, match="nothing waits to be confirmed"):
            session.confirm()
        session.close()


def test_sessions_can_be_awaited(tmp_path: Path) -> None:
    async def live() -> tuple[int, str]:
        async with refold.aopen(tmp_path / "home") as system:
            started = [
                await system.start("repair", model=f"script:{DEMO / 'script.jsonl'}", sandbox="local")
                for _ in range(2)
            ]
            states = await asyncio.gather(*(session.wait(timeout=120) for session in started))
            seen = [record async for record in started[0].watch()]
            return len(seen), states[1].agent.state

    count, state = asyncio.run(live())
    assert count > 20
    assert state == "finished"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"confirm": "allways"}, "confirm is 'allways'; it must be one of always, never, risky, unknown"),
        ({"risk": "huge"}, "risk is 'huge'; it must be one of high, low, medium"),
        ({"action_timeout_s": float("inf")}, "action_timeout_s is inf; it must be a number, and finite"),
        ({"agent": "wizard"}, 'agent is "wizard"; it must be codeact, reader'),
        (
            {"agents": {"reader": AgentSettings(tools=("fly",))}},
            'agents.reader.tools names "fly"; of',
        ),
        (
            {"agents": {"strict": AgentSettings(agent="examples.fenced.agent:Fenced", tools=("fly",))}},
            'agents.strict.tools names "fly"; of the tools of examples.fenced.agent:Fenced it may have',
        ),
        ({"iterations_max": 2.5}, "iterations_max is 2.5; it must be a whole number"),
        ({"instructions": "\ud800"}, "instructions is"),
        ({"task": " "}, "the task is empty"),
        ({"task": 7}, "the task is 7; it must be a text"),
        ({"repository": ""}, "repository is empty"),
        ({"repository": ".", "branch": ""}, 'branch is "", which cannot be checked out'),
        ({"repository": ".", "branch": "--help"}, 'branch is "--help", which cannot be checked out'),
        ({"branch": "main"}, 'branch is "main", of no repository'),
    ],
)
def test_what_could_not_be_read_again_is_refused_before_it_is_recorded(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    asked: dict[str, Any] = {"task": "go", "model": script(tmp_path, FINISH), **options}
    with refold.open(tmp_path / "home") as system:
        with pytest.raises(WrongUsage, match=re.escape(said)):
            system.start(session="s", **asked)
        assert system.log.head("s") is None


def test_what_a_session_is_told_is_held_to_its_type_before_it_is_recorded(tmp_path: Path) -> None:
    with refold.open(tmp_path / "home") as system:
        session = system.start("go", model=script(tmp_path, ("Yes?", [])), sandbox="local")
        before = session.wait(timeout=60).version
        wrong: Any = "allways"
        with pytest.raises(WrongUsage, match="confirm is 'allways'; it must be one of always"):
            session.change(SettingsChanged(confirm=wrong))
        with pytest.raises(WrongUsage, match="iterations is 'allways'; it must be a whole number"):
            session.continue_(iterations=wrong)
        with pytest.raises(WrongUsage, match="the message is empty"):
            session.say("")
        assert session.head == before
        session.close()
