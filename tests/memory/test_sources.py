"""What memory tells the agent of a workspace, and of what a message names."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actors.memory.frontmatter import Malformed, parse
from refold.actors.memory.skills import CHARACTERS_MAX as TEXT_MAX
from refold.actors.memory.skills import Skill
from refold.actors.memory.sources import CHARACTERS_MAX, WorkspaceSources
from refold.eventlog.events import RecallRecorded
from refold.eventlog.settings import Settings

NOON = int(datetime(2026, 5, 17, 12, tzinfo=UTC).timestamp()) * 10**9

NOBODY = 65534


def write(root: Path, path: str, text: str) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def first(root: Path, text: str = "hello", *, sandbox: str = "local") -> RecallRecorded:
    settings = Settings(model=None, workspace=str(root), sandbox=sandbox)
    return WorkspaceSources().workspace(settings, text, NOON)


def later(root: Path, text: str, *shown: str) -> RecallRecorded:
    settings = Settings(model=None, workspace=str(root), sandbox="local")
    return WorkspaceSources().knowledge(settings, text, shown)


def test_b36_the_first_message_recalls_where_the_agent_is_and_when(tmp_path: Path) -> None:
    write(tmp_path, ".git/HEAD", "ref: refs/heads/fix/the-thing\n")
    write(
        tmp_path,
        ".git/config",
        '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://x:secret@host.example/ann/tool.git\n',
    )
    recall = first(tmp_path)
    assert f"Directory: {tmp_path}" in recall.content
    assert "Date: 2026-05-17 (UTC)" in recall.content
    assert "Repository: ann/tool" in recall.content
    assert "Branch: fix/the-thing" in recall.content
    assert "secret" not in recall.content
    assert recall.recall == "workspace_context"
    assert recall.warnings == ()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("git@host.example:ann/tool.git", "ann/tool"),
        ("ssh://git@host.example:22/ann/tool", "ann/tool"),
        ("https://host.example/group/ann/tool.git/", "ann/tool"),
        ("/srv/git/tool.git", "tool"),
        ("file:///srv/git/tool", "tool"),
    ],
)
def test_a_repository_is_named_by_its_remote_and_nothing_else_of_it(
    tmp_path: Path, url: str, name: str
) -> None:
    write(tmp_path, ".git/HEAD", "ref: refs/heads/main\n")
    write(tmp_path, ".git/config", f'[remote "upstream"]\n url = no/no\n[remote "origin"]\n url = {url}\n')
    assert f"Repository: {name}\n" in first(tmp_path).content


def test_a_repository_without_a_remote_is_named_by_its_folder_and_commit(tmp_path: Path) -> None:
    write(tmp_path / "tool", ".git/HEAD", "0123456789abcdef0123456789abcdef01234567\n")
    content = first(tmp_path / "tool").content
    assert "Repository: tool" in content
    assert "Commit: 0123456789ab " in content


def test_the_agent_in_a_sandbox_is_told_the_path_that_it_sees(tmp_path: Path) -> None:
    write(
        tmp_path,
        ".agents/skills/release/SKILL.md",
        "---\nname: release\ndescription: How we release.\n---\nBody",
    )
    content = first(tmp_path, sandbox="bubblewrap").content
    assert "Directory: /workspace\n" in content
    assert "release: How we release. (/workspace/.agents/skills/release/SKILL.md)" in content
    assert str(tmp_path) not in content


def test_b37_sources_are_shown_in_their_order_and_nested_instructions_are_named(tmp_path: Path) -> None:
    write(tmp_path, "AGENTS.md", "root rules")
    write(tmp_path, "sub/deep/AGENTS.md", "deep rules")
    write(tmp_path, "node_modules/x/AGENTS.md", "not ours")
    write(tmp_path, ".refold/skills/style.md", "our style")
    write(tmp_path, ".openhands/microagents/repo.md", "---\nname: repo\ntype: repo\n---\nold rules")
    write(tmp_path, ".cursorrules", "cursor rules")
    recall = first(tmp_path)
    assert recall.sources == (
        "AGENTS.md",
        ".refold/skills/style.md",
        ".openhands/microagents/repo.md",
        ".cursorrules",
    )
    order = [recall.content.index(text) for text in ("root rules", "our style", "old rules", "cursor rules")]
    assert order == sorted(order)
    assert "- sub/deep/AGENTS.md" in recall.content
    assert "deep rules" not in recall.content
    assert "not ours" not in recall.content
    assert "node_modules" not in recall.content


def test_of_two_skills_with_one_name_the_first_place_counts(tmp_path: Path) -> None:
    write(tmp_path, ".refold/skills/style.md", "ours")
    write(tmp_path, ".openhands/microagents/Style.md", "theirs")
    assert first(tmp_path).sources == (".refold/skills/style.md",)


def test_the_body_of_a_skill_folder_is_left_to_the_agent(tmp_path: Path) -> None:
    write(
        tmp_path,
        ".refold/skills/pdf/SKILL.md",
        "---\nname: pdf\ndescription: >\n  Reads\n  papers.\n---\nlong body",
    )
    recall = first(tmp_path)
    assert f"pdf: Reads papers. ({tmp_path}/.refold/skills/pdf/SKILL.md)" in recall.content
    assert "long body" not in recall.content
    assert recall.sources == ()


def test_b38_a_word_triggers_as_a_word_and_a_text_is_shown_once(tmp_path: Path) -> None:
    write(
        tmp_path, ".openhands/microagents/k8s.md", '---\ntriggers:\n- kubernetes\n- "C++"\n---\ncluster facts'
    )
    path = ".openhands/microagents/k8s.md"
    assert later(tmp_path, "Deploy to KUBERNETES, please").sources == (path,)
    assert later(tmp_path, "port it to c++").sources == (path,)
    assert later(tmp_path, "the kubernetesque style").sources == ()
    assert later(tmp_path, "my_kubernetes").sources == ()
    again = later(tmp_path, "kubernetes again", path)
    assert (again.sources, again.content) == ((), "")
    assert first(tmp_path, "about kubernetes").sources == (path,)
    assert "cluster facts" in later(tmp_path, "kubernetes").content


@given(word=st.from_regex(r"[a-zA-Z]{1,8}", fullmatch=True), before=st.text(), after=st.text())
def test_a_trigger_stands_alone_wherever_it_stands(word: str, before: str, after: str) -> None:
    skill = Skill(name="s", path="s", when="triggered", triggers=(word,))
    assert skill.triggered_by(f"{before} {word.upper()} {after}") == word
    rest = f"{before}{after}"
    if word.casefold() not in rest.casefold():
        assert skill.triggered_by(f"x{word}") is None


def test_a_task_is_triggered_by_its_name_and_asks_for_what_is_missing(tmp_path: Path) -> None:
    head = "---\nname: upgrade\ninputs:\n  - name: VERSION\n    description: to which\n---\nUpgrade it."
    write(tmp_path, ".openhands/microagents/upgrade.md", head)
    assert "ask the user" in later(tmp_path, "please /upgrade now").content
    assert later(tmp_path, "upgrade now").content == ""


def test_b39_a_bad_file_is_named_with_its_line_and_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path, ".refold/skills/bad.md", "---\nname: bad\nthis is nothing\n---\n")
    write(tmp_path, ".refold/skills/endless.md", "---\nname: endless\n")
    (tmp_path / ".refold/skills/bytes.md").write_bytes(b"fine\n\xff\xfe\n")
    write(tmp_path, ".refold/skills/good.md", "good")
    write(tmp_path, ".refold/skills/odd.md", "---\nname: odd\ntype: mystery\n---\nodd")
    write(tmp_path, ".agents/skills/silent/SKILL.md", "body")
    recall = first(tmp_path)
    assert recall.sources == (".refold/skills/good.md", ".refold/skills/odd.md")
    assert [warning.partition(" ")[0] for warning in recall.warnings] == [
        ".refold/skills/bad.md:3:",
        ".refold/skills/bytes.md:",
        ".refold/skills/endless.md:1:",
        ".refold/skills/odd.md:3:",
        ".agents/skills/silent/SKILL.md:1:",
    ]
    assert "line 2 is not UTF-8" in recall.warnings[1]


def test_a_warning_is_given_once_and_a_new_one_with_the_next_message(tmp_path: Path) -> None:
    write(tmp_path, ".refold/skills/bad.md", "---\n?\n---\n")
    settings, sources = Settings(model=None, workspace=str(tmp_path), sandbox="local"), WorkspaceSources()
    assert len(sources.workspace(settings, "", NOON).warnings) == 1
    assert sources.knowledge(settings, "", ()).warnings == ()
    write(tmp_path, ".refold/skills/worse.md", "---\n!\n---\n")
    assert [w[:24] for w in sources.knowledge(settings, "", ()).warnings] == [".refold/skills/worse.md:"]


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """Return a folder of a user who may not read everything, and be that user."""
    with TemporaryDirectory() as folder:
        user = os.geteuid()
        if user == 0:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        yield Path(folder)
        os.seteuid(user)


def test_b39_what_may_not_be_read_hides_nothing_else(unprivileged: Path) -> None:
    write(unprivileged, "AGENTS.md", "Be brief.")
    write(unprivileged, "closed/AGENTS.md", "x")
    write(unprivileged, "open/AGENTS.md", "x")
    write(unprivileged, ".refold/skills/closed/SKILL.md", "x")
    write(unprivileged, ".refold/skills/a.md", "Say please.")
    (unprivileged / ".agents").mkdir()
    (unprivileged / ".agents" / "skills").symlink_to("skills")
    closed = [unprivileged / "closed", unprivileged / ".refold" / "skills" / "closed"]
    for folder in closed:
        folder.chmod(0o000)
    recall = first(unprivileged)
    for folder in closed:
        folder.chmod(0o700)
    assert recall.sources == ("AGENTS.md", ".refold/skills/a.md")
    assert "open/AGENTS.md" in recall.content


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.md", "top secret")
    root = tmp_path / "root"
    write(root, "docs/rules.md", "inner rules")
    (root / ".refold").mkdir()
    (root / ".refold/skills").symlink_to(tmp_path / "outside")
    (root / ".agents").mkdir()
    (root / ".agents/skills").mkdir()
    (root / ".agents/skills/leak.md").symlink_to(tmp_path / "outside/secret.md")
    (root / "AGENTS.md").symlink_to("docs/rules.md")
    (root / ".git").symlink_to(tmp_path / "outside")
    recall = first(root)
    assert "secret" not in recall.content
    assert recall.sources == ("AGENTS.md",)
    assert recall.warnings == (
        ".agents/skills/leak.md: it is a link that leads out of the workspace, and is not followed",
    )


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "AGENTS.md")
    (tmp_path / ".refold/skills").mkdir(parents=True)
    os.mkfifo(tmp_path / ".refold/skills/pipe.md")
    assert first(tmp_path).warnings == (
        "AGENTS.md: it is no regular file",
        ".refold/skills/pipe.md: it is no regular file",
    )


def test_long_texts_are_cut_with_a_note_and_too_many_are_named(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path, f".refold/skills/s{number}.md", f"{number}" * (TEXT_MAX + 7))
    recall = first(tmp_path)
    assert "[... 7 more characters in .refold/skills/s0.md]" in recall.content
    assert len(recall.content) <= CHARACTERS_MAX + 1_000
    assert len(recall.sources) == 2
    assert len(recall.warnings) == 3


def test_a_workspace_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert first(tmp_path / "gone").sources == ()
    assert later(tmp_path / "gone", "x").content == ""


def test_a_head_may_hold_what_only_others_read() -> None:
    head = "# note\nname: 'a: b' # why\ntriggers: [one, 'two, three']\nmetadata:\n  by: x\n  deep:\n    y:\n"
    document = parse(f"---\n{head}---\nbody\n")
    assert document.head == {"name": "a: b", "triggers": ("one", "two, three"), "metadata": ()}
    assert document.body == "body"


@given(st.text())
def test_any_text_is_a_document_or_malformed_at_a_line_that_is_there(text: str) -> None:
    text = f"---\n{text}"
    assert 0 <= _line_of_fault(text) <= len(text.splitlines())


def _line_of_fault(text: str) -> int:
    try:
        parse(text)
    except Malformed as error:
        return error.line
    return 0
