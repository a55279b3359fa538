"""Sessions with a server of tools that nobody here wrote, started as a command and behind HTTP."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import refold
from refold.doctor import examine
from refold.errors import WrongUsage
from refold.eventlog.events import (
    ActionProposed,
    ActionStarted,
    CallRefused,
    Event,
    ObservationRecorded,
    SystemMessageAdded,
    ToolsListed,
    WarningRaised,
)
from refold.eventlog.observations import McpResult, Observation, OutcomeUnknown
from refold.eventlog.settings import ConfirmationPolicy, MCPServer
from refold.home import Home
from refold.session import Session
from refold.system import System
from tests.front.test_embedding import FINISH, script
from tests.servers.everything import SERVER, everything, serving

type Call = tuple[str, dict[str, Any]]
type Answer = tuple[str, list[Call]]
type Way = Callable[[], AbstractContextManager[tuple[MCPServer, Callable[[], object]]]]

ECHO: Call = ("all_echo", {"message": "hello"})
LONG: Call = ("all_trigger-long-running-operation", {"duration": 60, "steps": 2})
DRIVER = Path(__file__).with_name("driver.py")


def command() -> MCPServer:
    program, arguments = everything()
    return MCPServer(name="all", command=program, args=arguments)


@contextmanager
def by_command() -> Generator[tuple[MCPServer, Callable[[], None]]]:
    yield command(), kill_the_server


def kill_the_server() -> None:
    servers()[0].kill()


@contextmanager
def by_http() -> Generator[tuple[MCPServer, Callable[[], None]]]:
    with serving() as served:
        yield MCPServer(name="all", url=served.url), served.kill


def servers(of: int | None = None) -> list[psutil.Process]:
    """Return the servers themselves below a process, ours by default, not what starts them."""
    return [
        process
        for process in psutil.Process(of).children(recursive=True)
        if str(SERVER) in process.cmdline() and "-S" not in process.cmdline()
    ]


def events(session: Session) -> list[Event]:
    return [record.event for record in session.watch()]


def observations(session: Session) -> list[Observation]:
    return [event.observation for event in events(session) if isinstance(event, ObservationRecorded)]


def start(
    system: System,
    folder: Path,
    servers: tuple[MCPServer, ...],
    *answers: Answer,
    confirm: ConfirmationPolicy = "never",
) -> Session:
    model = script(folder, *answers, FINISH)
    return system.start("call it", model=model, sandbox="local", mcp=servers, confirm=confirm, parallel_max=1)


@pytest.mark.parametrize("way", [by_command, by_http])
def test_the_tools_of_a_server_are_listed_offered_and_called(way: Way, tmp_path: Path) -> None:
    with way() as (server, _), refold.open(tmp_path / "home") as system:
        session = start(system, tmp_path, (server,), ("", [ECHO, ("all_get-sum", {"a": 2, "b": 3})]))
        assert session.wait(timeout=60).agent.state == "finished"
        facts = events(session)
        said = [each.content for each in observations(session) if isinstance(each, McpResult)]
    kinds = [type(fact) for fact in facts]
    assert kinds.index(ToolsListed) < kinds.index(SystemMessageAdded)
    (greeting,) = (fact for fact in facts if isinstance(fact, SystemMessageAdded))
    offered = {tool["function"]["name"]: tool["function"] for tool in greeting.tools}
    assert {"execute_bash", "all_echo", "all_get-sum"} <= offered.keys()
    assert offered["all_echo"]["parameters"]["required"] == ["message"]
    assert said == ["Echo: hello", "The sum of 2 and 3 is 5."]


@pytest.mark.parametrize("way", [by_command, by_http])
def test_b16_a_server_that_crashes_in_mid_call_leaves_an_observation(way: Way, tmp_path: Path) -> None:
    with way() as (server, kill), refold.open(tmp_path / "home") as system:
        session = start(system, tmp_path, (server,), ("", [LONG, ECHO]))
        started = threading.Thread(target=lambda: kill_when_started(session, kill))
        started.start()
        assert session.wait(timeout=60).agent.state == "finished"
        started.join()
        first, second, *_ = observations(session)
    assert isinstance(first, OutcomeUnknown)
    assert "it went away" in first.content
    if server.command is not None:  # It is started again; whoever was only reached stays away.
        assert second == McpResult(content="Echo: hello", server="all", tool="echo")
    else:
        assert "cannot be reached" in second.content


def kill_when_started(session: Session, kill: Callable[[], object]) -> None:
    for record in session.watch():
        if isinstance(record.event, ActionStarted):
            kill()
            return


def test_b07_a_server_that_does_not_answer_is_a_warning_and_the_start_goes_on(tmp_path: Path) -> None:
    absent = (
        MCPServer(name="nothing", command=str(tmp_path / "nothing")),
        MCPServer(name="broken", command="/bin/sh", args=("-c", "echo no such luck >&2; exit 3")),
        MCPServer(name="raising", command=sys.executable, args=("-c", "raise LookupError('x' * 600)")),
        MCPServer(name="silent", command="/bin/sleep", args=("60",), start_timeout_s=0.5),
        MCPServer(name="far", url="http://127.0.0.1:9/mcp"),
    )
    with refold.open(tmp_path / "home") as system:
        session = start(system, tmp_path, absent, ("", [("far_do", {})]))
        assert session.wait(timeout=60).agent.state == "finished"
        facts = events(session)
    warnings = [fact.text for fact in facts if isinstance(fact, WarningRaised)]
    assert not any("File " in warning for warning in warnings), "a traceback is nothing for a person"
    for name, why in zip(
        absent,
        ("No such file", "no such luck", "start: LookupError: xxx", "within 0.5 s", "reached"),
        strict=True,
    ):
        assert any(name.name in warning and why in warning for warning in warnings), warnings
    assert sum(isinstance(fact, CallRefused) for fact in facts) == 1


def test_b32_no_server_is_called_before_a_person_approves(tmp_path: Path) -> None:
    with refold.open(tmp_path / "home") as system:
        session = start(system, tmp_path, (command(),), ("", [ECHO]), confirm="always")
        state = session.wait(timeout=60)
        assert state.agent.state == "awaiting_user_confirmation"
        assert not any(isinstance(fact, ActionStarted) for fact in events(session))
        assert not observations(session)
        session.confirm()
        session.wait(timeout=60)
        assert McpResult(content="Echo: hello", server="all", tool="echo") in observations(session)


def test_b26_a_stop_gives_up_a_call_at_once(tmp_path: Path) -> None:
    with refold.open(tmp_path / "home") as system:
        session = start(system, tmp_path, (command(),), ("", [LONG]))
        kill_when_started(session, session.stop)
        assert session.wait(timeout=30).agent.state == "stopped"
        (observation,) = observations(session)
        assert "stopped by the user" in observation.content


def test_a_call_has_a_time_limit(tmp_path: Path) -> None:
    program, arguments = everything()
    server = MCPServer(name="all", command=program, args=arguments, timeout_s=0.5)
    with refold.open(tmp_path / "home") as system:
        session = start(system, tmp_path, (server,), ("", [LONG, ECHO]))
        assert session.wait(timeout=60).agent.state == "finished"
        first, second, *_ = observations(session)
    assert isinstance(first, OutcomeUnknown)
    assert "within 0.5 s" in first.content
    assert isinstance(second, McpResult)


def test_nothing_of_a_server_is_left_when_its_session_is_let_go(tmp_path: Path) -> None:
    with refold.open(tmp_path / "home") as system:
        session = start(system, tmp_path, (command(),), ("And?", []))
        session.wait(timeout=60)
        found = servers()
        assert len(found) == 1
    assert psutil.wait_procs(found, timeout=10)[1] == []
    assert not [thread for thread in threading.enumerate() if thread.name == "mcp"]
    examine(Home(tmp_path / "home"), reap=True)


def test_b16_a_call_under_way_when_its_driver_is_killed_is_unknown_and_its_server_is_gone(
    tmp_path: Path,
) -> None:
    home, model = tmp_path / "home", script(tmp_path, ("", [LONG, ECHO]), FINISH)
    program, arguments = everything()
    told = json.dumps([str(home), model, program, *arguments])
    with subprocess.Popen([sys.executable, str(DRIVER), told], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        assert driver.stdout.readline() == "started\n"
        found = servers(driver.pid)
        os.kill(driver.pid, signal.SIGKILL)
    assert len(found) == 1
    assert psutil.wait_procs(found, timeout=10)[1] == []
    with refold.open(home) as system:
        session = system.resume("s")
        assert session.wait(timeout=60).agent.state == "finished"
        first, second, *_ = observations(session)
        calls = [fact for fact in events(session) if isinstance(fact, ActionProposed)]
    assert isinstance(first, OutcomeUnknown)
    assert second == McpResult(content="Echo: hello", server="all", tool="echo")
    assert len(calls) == 3


def test_a_server_gets_only_the_variables_that_are_named(tmp_path: Path) -> None:
    program, arguments = everything()
    server = MCPServer(name="all", command=program, args=arguments, env=("WANTED",))
    environment = {**os.environ, "WANTED": "yes", "UNWANTED": "no"}
    with refold.open(tmp_path / "home", environment=environment) as system:
        session = start(system, tmp_path, (server,), ("", [("all_get-env", {})]))
        session.wait(timeout=60)
        (told, *_) = observations(session)
    assert '"WANTED": "yes"' in told.content
    assert "UNWANTED" not in told.content


@pytest.mark.parametrize(
    ("server", "why"),
    [
        (MCPServer(name="a b", command="serve"), "cannot name an MCP server"),
        (MCPServer(name="a"), "needs a command or a url"),
        (MCPServer(name="a", command="serve", url="http://there"), "needs a command or a url"),
        (MCPServer(name="a", url="ftp://there"), "it must begin with http"),
        (MCPServer(name="a", command="serve", timeout_s=0), "must be above 0"),
        (MCPServer(name="a", command="serve", env=("NOT_SET_ANYWHERE",)), "NOT_SET_ANYWHERE"),
    ],
)
def test_a_server_that_is_described_wrongly_is_refused_before_anything_is_recorded(
    server: MCPServer, why: str, tmp_path: Path
) -> None:
    with refold.open(tmp_path / "home") as system:
        with pytest.raises(WrongUsage, match=why):
            start(system, tmp_path, (server,))
        with pytest.raises(WrongUsage, match="two MCP servers"):
            start(system, tmp_path, (MCPServer(name="x", command="y"),) * 2)
        assert not list(system.log.streams())
