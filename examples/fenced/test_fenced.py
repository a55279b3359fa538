"""The agent of this page, run by the page's own means."""

import json
import re
import subprocess
import sys
from pathlib import Path

import refold
from examples.fenced.agent import Fenced
from refold.actors.session.verify import verify
from refold.actors.tools.toolbox import Proposal, Refusal
from refold.eventlog.actions import Finish, Run
from refold.eventlog.events import ActionProposed, ModelAnswered, ObservationRecorded, SystemMessageAdded
from refold.eventlog.observations import RunOutput

HERE = Path(__file__).parent
SCRIPT = HERE / "script.jsonl"


def read(text: str) -> Proposal | Refusal:
    (wanted,) = Fenced().read(ModelAnswered(model="m", content=text), ())
    return wanted


def test_one_block_is_a_command_and_two_are_refused() -> None:
    assert read("So:\n```bash\nls\n```\n") == Proposal(action=Run(command="ls", thought="So:"))
    assert isinstance(read("```bash\na\n```\nand\n```bash\nb\n```"), Refusal)
    assert read("DONE: all 3") == Proposal(action=Finish(message="all 3"))


def test_a_session_works_with_an_agent_by_its_dotted_path(tmp_path: Path) -> None:
    with refold.open(tmp_path) as system:
        session = system.start(
            "count",
            session="s",
            agent="examples.fenced.agent:Fenced",
            model=f"script:{SCRIPT}",
            sandbox="local",
        )
        assert session.wait(timeout=60).agent.state == "finished"
        events = [record.event for record in system.log.read("s")]
        assert verify(system.log, "s").ok
    (greeting,) = [event for event in events if isinstance(event, SystemMessageAdded)]
    assert greeting.content.startswith("You work in ")
    assert greeting.tools == ()
    commands = [
        e.action.command for e in events if isinstance(e, ActionProposed) and isinstance(e.action, Run)
    ]
    outputs = [
        e.observation.exit_code
        for e in events
        if isinstance(e, ObservationRecorded) and isinstance(e.observation, RunOutput)
    ]
    assert commands == ["wc -l < /etc/passwd"]
    assert outputs == [0]


def test_the_command_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    (command,) = re.findall(r"^refold (.*--agent.*)$", (HERE / "README.md").read_text(), re.MULTILINE)
    options = re.findall(r'"[^"]*"|\S+', command)
    line = [sys.executable, "-m", "refold", *(option.strip('"') for option in options)]
    line[line.index("/tmp")] = str(tmp_path)  # noqa: S108 - the page's, replaced here
    line += ["--sandbox", "local", "--json", "--home", str(tmp_path / "home")]
    done = subprocess.run(  # noqa: S603 - the page's own command
        line, capture_output=True, text=True, check=False, cwd=HERE, timeout=120
    )
    assert done.returncode == 0, done.stderr
    types = [json.loads(text)["type"] for text in done.stdout.splitlines()]
    assert "ActionProposed" in types
    assert types[-1] == "AgentStateChanged"
