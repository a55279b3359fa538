"""Rules 36 to 39, and what 45 says of recall: what the agent is told beside a message, and when again."""

from collections.abc import Sequence
from pathlib import Path

from refold.actors.dispatch.choosers import Replay
from refold.actors.dispatch.stepper import Stepper
from refold.actors.memory.sources import WorkspaceSources
from refold.actors.models.fake import Line, says
from refold.actors.session.commands import ReportObservation, ReportRecall
from refold.actors.session.due import RecallFolders, due
from refold.actors.session.verify import verify
from refold.edges import users_skills
from refold.eventlog.condensation import Condensed
from refold.eventlog.condensers import DEFAULT, Condenser, RecentWindow
from refold.eventlog.events import (
    ActionStarted,
    AgentStateChanged,
    CallRefused,
    ObservationRecorded,
    RecallRecorded,
    SessionStarted,
)
from refold.eventlog.observations import Failure, RunOutput, SkillLoaded
from refold.eventlog.record import Record
from refold.testing.crash import IDENTITY, STREAM, live
from refold.testing.world import SmallWorld
from tests.behaviour.forgetful import talkative
from tests.behaviour.scenes import FINISH, RUN, Call, Recall, Scene, settings
from tests.memory.test_sources import write

SKILL = "---\nname: pdf\ndescription: Reads papers.\n---\nUse the reader, page by page."


def played(
    root: Path,
    *lines: Line,
    users: Path | None = None,
    task: str = "do it",
    condenser: Condenser = DEFAULT,
    confirm: str = "never",
) -> tuple[SmallWorld, list[Record]]:
    """Play a session whose memory reads real files."""
    world = SmallWorld(lines, answer=talkative)
    world.memory = WorkspaceSources(users)
    chosen = settings(workspace=str(root), condenser=condenser, confirm=confirm)
    lived = live(Stepper(chooser=Replay()), world, SessionStarted(settings=chosen, task=task))
    assert verify(lived.log, STREAM, code=IDENTITY.code).divergence is None
    return world, list(lived.log.read(STREAM))


def of[E](records: Sequence[Record], kind: type[E]) -> list[E]:
    return [record.event for record in records if isinstance(record.event, kind)]


def run(command: str) -> Call:
    return "execute_bash", {"command": command}


def load(name: str) -> Call:
    return "load_skill", {"name": name}


def owed(scene: Scene) -> set[str]:
    return {type(effect).__name__ for effect in due(scene.state)}


def recall(scene: Scene, fact: RecallRecorded) -> Scene:
    return scene.do(ReportRecall(**scene.id(), fact=fact))


def observe_in(scene: Scene, directory: str) -> Scene:
    """Report that the command that runs has ended, and where the shell is then."""
    started = scene.state.hands.started
    assert started is not None
    observation = RunOutput(content="", exit_code=0, directory=directory)
    fact = ObservationRecorded(cause=started.version, observation=observation)
    return scene.do(ReportObservation(**scene.id(), fact=fact))


# Rule 37: instructions of folders -------------------------------------------------------------------------


def test_b37_nested_instructions_are_recalled_once_an_action_touches_their_part_of_the_tree(
    tmp_path: Path,
) -> None:
    write(tmp_path, "AGENTS.md", "root rules")
    write(tmp_path, "sub/AGENTS.md", "sub rules")
    write(tmp_path, "sub/deep/AGENTS.md", "deep rules")
    write(tmp_path, "other/AGENTS.md", "other rules")
    world, records = played(
        tmp_path,
        says("", run("ls")),
        says("", ("str_replace_editor", {"command": "view", "path": f"{tmp_path}/sub/deep/a.py"})),
        says("", run("make -C sub/deep")),
        says("", FINISH),
    )
    first, second = of(records, RecallRecorded)
    assert first.folders == ("other/AGENTS.md", "sub/AGENTS.md", "sub/deep/AGENTS.md")
    assert second.sources == ("sub/AGENTS.md", "sub/deep/AGENTS.md")
    assert "deep rules" in second.content
    shown = [
        "deep rules" in str([message["content"] for message in request.messages])
        for request in world.scripted.requests
    ]
    assert shown == [False, False, True, True]
    assert "other rules" not in str(world.scripted.requests[-1].messages)


def test_b37_where_the_shell_went_counts_as_touched() -> None:
    scene = Scene().start().connect()
    fact = RecallRecorded(
        cause=scene.state.recall.waiting[0], recall="workspace_context", folders=("sub/AGENTS.md",)
    )
    recall(scene, fact).step("", RUN)
    assert not any(isinstance(effect, RecallFolders) for effect in due(scene.state))
    observe_in(scene, "/w/sub/inner")
    (effect,) = due(scene.state)
    assert isinstance(effect, RecallFolders)
    assert effect.folders == ("sub/AGENTS.md",)
    assert scene.pause().owes()
    assert owed(scene.resume().claim()) == {"Connect", "RecallFolders"}


def test_b37_a_folder_of_nearly_the_same_name_is_another_one(tmp_path: Path) -> None:
    write(tmp_path, "sub/AGENTS.md", "sub rules")
    _, records = played(tmp_path, says("", run("ls submarine/x mysub/y")), says("", FINISH))
    assert len(of(records, RecallRecorded)) == 1


# Rule 37: skills ------------------------------------------------------------------------------------------


def test_b37_a_skill_is_loaded_on_demand_by_a_tool_that_memory_answers(tmp_path: Path) -> None:
    write(tmp_path, ".agents/skills/pdf/SKILL.md", SKILL)
    world, records = played(tmp_path, says("", load("PDF"), load("doc")), says("", FINISH), confirm="always")
    assert "load_skill" in str(world.scripted.requests[0].tools)
    assert "page by page" not in str(world.scripted.requests[0].messages)
    loaded, unknown = (event.observation for event in of(records, ObservationRecorded)[:2])
    assert isinstance(loaded, SkillLoaded)
    assert loaded.source == ".agents/skills/pdf/SKILL.md"
    assert loaded.content.startswith("Use the reader, page by page.")
    assert "in .agents/skills/pdf of the workspace" in loaded.content
    assert isinstance(unknown, Failure)
    assert unknown.content == "There is no skill 'doc'. There are: pdf."
    assert of(records, ActionStarted) == []
    assert [event.state for event in of(records, AgentStateChanged)] == ["running", "finished"]


def test_b37_without_skills_the_tool_is_not_offered(tmp_path: Path) -> None:
    world, records = played(tmp_path, says("", load("pdf")), says("", FINISH))
    assert "load_skill" not in str(world.scripted.requests[0].tools)
    assert "There is no tool 'load_skill'" in of(records, CallRefused)[0].reason


def test_b37_skills_that_the_user_has_everywhere_come_last(tmp_path: Path) -> None:
    work, users = tmp_path / "work", tmp_path / "skills"
    write(work, ".refold/skills/style.md", "the workspace's style")
    write(work, ".cursorrules", "cursor rules")
    write(users, "style.md", "the user's style")
    write(users, "mood.md", "be glad")
    write(users, "pdf/SKILL.md", SKILL)
    write(users, "bad.md", "---\nname: x\nno key\n---\n")
    world, records = played(work, says("", load("pdf")), says("", FINISH), users=users)
    recall = of(records, RecallRecorded)[0]
    assert recall.sources == (".refold/skills/style.md", ".cursorrules", f"{users}/mood.md")
    assert "the user's style" not in recall.content
    assert "- pdf: Reads papers.\n" in f"{recall.content}\n"
    assert [warning.partition(": ")[0] for warning in recall.warnings] == [f"{users}/bad.md:3"]
    (loaded, _) = (event.observation for event in of(records, ObservationRecorded))
    assert loaded == SkillLoaded(content="Use the reader, page by page.", source=f"{users}/pdf/SKILL.md")
    assert len(world.scripted.requests) == 2


def test_b37_the_users_skills_are_where_the_environment_says() -> None:
    assert users_skills({"REFOLD_SKILLS": "/srv/skills"}) == Path("/srv/skills")
    assert users_skills({"XDG_CONFIG_HOME": "/etc/me"}) == Path("/etc/me/refold/skills")
    assert users_skills({}) == Path.home() / ".config" / "refold" / "skills"


def test_b37_a_task_says_what_it_needs_to_be_given(tmp_path: Path) -> None:
    write(
        tmp_path,
        ".openhands/microagents/release.md",
        "---\nname: release\ntype: task\ninputs:\n  - name: VERSION\n    description: what to release\n"
        '  - name: "NOTES"\n---\nRelease ${VERSION}.',
    )
    _, records = played(tmp_path, says("", FINISH), task="please /release it")
    content = of(records, RecallRecorded)[0].content
    assert "- VERSION: what to release\n- NOTES" in content
    assert "ask the user" in content


# Rule 38 --------------------------------------------------------------------------------------------------


def test_b38_what_condensing_dropped_is_shown_again(tmp_path: Path) -> None:
    write(tmp_path, "sub/AGENTS.md", "sub rules")
    lines = [says(f"step {number}", run(f"make -C sub {number}")) for number in range(12)]
    world, records = played(tmp_path, *lines, says("", FINISH), condenser=RecentWindow(messages_max=10))
    assert len(of(records, Condensed)) > 1
    recalls = [recall for recall in of(records, RecallRecorded) if recall.sources == ("sub/AGENTS.md",)]
    assert len(recalls) > 1
    for request in world.scripted.requests[1:]:
        assert sum("sub rules" in str(message["content"]) for message in request.messages) <= 1


def test_b38_messages_that_wait_together_show_a_text_once() -> None:
    scene = Scene().running().ask().say("one").say("two")
    assert [effect.message for effect in due(scene.state) if isinstance(effect, Recall)] == [
        scene.state.recall.waiting[0]
    ]
    assert scene.recall().state.recall.waiting == ()


# Rule 36 and 45 -------------------------------------------------------------------------------------------


def test_b36_the_agent_is_told_what_each_secret_is_for(tmp_path: Path) -> None:
    chosen = settings(
        workspace=str(tmp_path), secrets=("TOKEN", "KEY"), secret_descriptions={"TOKEN": "for the tracker"}
    )
    content = WorkspaceSources().workspace(chosen, "hello", 0).content
    assert "Environment variables that hold secrets: TOKEN (for the tracker), KEY" in content


def test_b45_coming_back_recalls_nothing_again() -> None:
    scene = Scene().running()
    recalls = len(scene.of(RecallRecorded))
    scene.close().claim().connect("r2")
    assert len(scene.of(RecallRecorded)) == recalls
    assert owed(scene) == {"PrepareAsk"}


def test_b45_a_recall_that_was_owed_is_owed_again_and_recorded_once() -> None:
    scene = Scene().start().connect().claim()
    assert owed(scene) == {"Connect", "Recall"}
    assert len(scene.connect("r2").recall().recall().of(RecallRecorded)) == 1


def test_b45_what_was_shown_stays_shown_after_a_restart() -> None:
    scene = Scene().start().connect()
    fact = RecallRecorded(
        cause=scene.state.recall.waiting[0], recall="workspace_context", sources=("AGENTS.md",)
    )
    assert recall(scene, fact).claim().state.recall.sources == ("AGENTS.md",)


def test_b36_the_agent_is_told_where_its_commands_see_the_workspace(tmp_path: Path) -> None:
    chosen = settings(workspace=str(tmp_path), sandbox="docker")
    content = WorkspaceSources().workspace(chosen, "hello", 0, "/work").content
    assert "Directory: /work\n" in content
    assert str(tmp_path) not in content
