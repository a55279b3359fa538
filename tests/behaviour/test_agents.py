"""Agents by name: what each is told and offered is on record, and its calls are read against that."""

from refold.actors.agents.registry import greeting
from refold.actors.session.commands import ReportRelease, ReportStep
from refold.actors.session.due import RunStep, due
from refold.actors.tools.toolbox import names_of
from refold.eventlog.actions import Read
from refold.eventlog.events import ActionProposed, AgentStateChanged, CallRefused, SystemMessageAdded
from refold.eventlog.settings import AgentSettings, Role
from refold.eventlog.starting import RuntimeReleased, StartStepEnded
from refold.eventlog.tools import ServerTool
from tests.behaviour.scenes import AT, RUN, Scene, settings


def offered(scene: Scene) -> tuple[str, ...]:
    (greeting,) = scene.of(SystemMessageAdded)
    return names_of(greeting.tools)


def test_b06_an_unknown_agent_ends_the_start_in_error_and_names_the_known_ones() -> None:
    scene = Scene().start(agent="wizard")
    assert scene.agent == "error"
    reason = scene.of(AgentStateChanged)[-1].reason
    assert "there is no agent 'wizard'; there are codeact, reader" in reason
    assert scene.owes()


def test_b06_an_agent_that_cannot_be_imported_says_why() -> None:
    scene = Scene().start(agent="no.such:Agent", role=Role(missing="ModuleNotFoundError: no.such"))
    assert "ModuleNotFoundError: no.such" in scene.reason()


def test_b06_an_unknown_analyzer_ends_the_start_in_error_and_names_the_known_ones() -> None:
    scene = Scene().start(analyzer="oracle")
    assert scene.agent == "error"
    assert "there is no security analyzer 'oracle'; there are model, none, rules" in scene.reason()
    assert scene.owes()


def test_an_agent_that_reads_is_offered_nothing_that_changes_anything() -> None:
    scene = Scene().running(agent="reader")
    assert offered(scene) == ("view", "think", "finish")
    scene.step("", ("view", {"path": "notes"}), RUN)
    assert [each.action for each in scene.of(ActionProposed)] == [Read(path="notes")]
    (refused,) = scene.of(CallRefused)
    assert "There is no tool 'execute_bash'. The tools are: view, think, finish." in refused.reason


def test_tools_that_are_not_allowed_are_not_offered() -> None:
    scene = Scene().running(tools=("think", "finish"))
    assert offered(scene) == ("think", "finish")


def test_tools_of_servers_are_allowed_one_by_one_or_all_of_them() -> None:
    servers = tuple(
        ServerTool(name=f"clock_{tool}", server="clock", tool=tool, description="", parameters={})
        for tool in ("now", "set")
    )
    one = greeting(settings(tools=("think", "clock_now")), servers)
    every = greeting(settings(tools=("think", "mcp")), servers)
    assert names_of(one.tools) == ("think", "clock_now")
    assert names_of(every.tools) == ("think", "clock_now", "clock_set")


def test_delegation_is_offered_only_where_there_is_somebody_and_room_for_another_level() -> None:
    agents = {"helper": AgentSettings(agent="reader")}
    assert "delegate" in offered(Scene().running(agents=agents))
    assert "delegate" not in offered(Scene().running())
    assert "delegate" not in offered(Scene().running(agents=agents, delegation_depth=0))


def test_a_users_own_agent_is_what_was_recorded_of_it() -> None:
    role = Role(prompt="You count.", tools=("execute_bash", "finish"))
    scene = Scene().running(agent="counting:Agent", role=role)
    assert scene.of(SystemMessageAdded)[0].content == "You count."
    assert offered(scene) == ("execute_bash", "finish")


def test_b06_an_analyzer_of_ones_own_that_cannot_be_had_ends_the_start_and_continue_tries_again() -> None:
    scene = Scene().start(analyzer="house.rules:Strict")
    assert RunStep in {type(effect) for effect in due(scene.state)}
    missing = StartStepEnded(step="analyzer", outcome="failed", detail="ModuleNotFoundError: house")
    scene.do(ReportStep(id="a", at=AT, fact=missing))
    assert scene.of(AgentStateChanged)[-1].state == "error"
    assert "'analyzer': ModuleNotFoundError: house" in scene.reason()
    scene.do(ReportRelease(id="r", at=AT, fact=RuntimeReleased())).go_on()
    assert RunStep in {type(effect) for effect in due(scene.state)}
    scene.do(ReportStep(id="b", at=AT, fact=StartStepEnded(step="analyzer", detail="house.rules:Strict")))
    assert scene.agent == "loading"
    assert RunStep not in {type(effect) for effect in due(scene.state)}


def test_b02_an_analyzer_of_ones_own_is_loaded_before_the_sandbox_is_waited_for() -> None:
    scene = Scene().start(analyzer="house.rules:Strict").connect()
    assert scene.agent == "loading"
    assert scene.of(SystemMessageAdded) == []
    scene.do(ReportStep(id="b", at=AT, fact=StartStepEnded(step="analyzer")))
    assert len(scene.of(SystemMessageAdded)) == 1
