"""What a person is told to do about a session that ended in an error is done, and it goes on."""

import subprocess

from tests.cli.terminal import FINISH, Terminal, bash, failing


def hint(done: subprocess.CompletedProcess[str]) -> str:
    """Return what stands behind the figures in the last line."""
    assert done.returncode == 1
    return done.stderr.splitlines()[-1].split(" · ", 3)[3]


def test_a_setup_script_that_failed_is_mended_and_continued(terminal: Terminal) -> None:
    script = terminal.folder / "project" / ".refold" / "setup.sh"
    script.parent.mkdir(parents=True)
    script.write_text("false\n", encoding="utf-8")
    workspace = script.parents[1]
    model = terminal.script(FINISH)
    said = hint(terminal.run("run", "--session", "s", "--workspace", str(workspace), *model, "go"))
    assert said == f"mend the script in {workspace}, then go on with: refold continue s"
    script.write_text("true\n", encoding="utf-8")
    assert terminal.run("continue", "s").returncode == 0


def test_a_repository_that_cannot_be_cloned_is_tried_again_and_another_takes_another_session(
    terminal: Terminal,
) -> None:
    place = terminal.folder / "there"
    place.mkdir()
    options = ("--repo", str(place), *terminal.script(FINISH))
    said = hint(terminal.run("run", "--session", "s", *options, "go"))
    assert said.startswith("once it can be cloned, go on with: refold continue s; another repository")
    assert "refold run --repo" in said
    subprocess.run(["git", "init", "--quiet", str(place)], check=True)
    person = ("-c", "user.name=a", "-c", "user.email=a@b")
    commit = ("git", *person, "commit", "--quiet", "--allow-empty", "-m", "first")
    subprocess.run(commit, check=True, cwd=place)
    assert terminal.run("continue", "s").returncode == 0


def test_an_agent_that_cannot_be_had_takes_another_session(terminal: Terminal) -> None:
    options = ("--agent", "no.such:Agent", *terminal.script(FINISH))
    said = hint(terminal.run("run", "--session", "s", *options, "go"))
    assert said.startswith("it cannot go on; start another session with an agent that is there: refold run")


def test_a_script_at_its_end_is_followed_by_another_model(terminal: Terminal) -> None:
    said = hint(terminal.run("run", "--session", "s", *terminal.script(bash("echo 1")), "go"))
    assert said == 'go on with another model: refold resume s --model M --message "…"'
    assert hint(terminal.run("resume", "s")) == said, "also where nothing is owed"
    more = terminal.script(FINISH, name="more")[1]
    assert terminal.run("resume", "s", "--model", more, "--message", "go on").returncode == 0


def test_a_key_that_is_refused_is_put_right_and_continued(terminal: Terminal) -> None:
    said = hint(terminal.run("run", "--session", "s", *terminal.script(failing(401), FINISH), "go"))
    assert said == "once its key and its credit are good, go on with: refold continue s"
    assert terminal.run("continue", "s").returncode == 0


def test_a_budget_that_is_spent_is_continued_and_no_message_helps(terminal: Terminal) -> None:
    options = ("--budget", "100", "--price", "1000000,2000000", *terminal.script(bash("echo 1"), FINISH))
    said = hint(terminal.run("run", "--session", "s", *options, "go"))
    assert said == "go on with: refold continue s"
    assert hint(terminal.run("say", "s", "go on")) == said
    assert terminal.run("continue", "s").returncode == 0


def test_a_limit_is_continued_or_extended_by_a_message(terminal: Terminal) -> None:
    options = ("--max-iterations", "1", *terminal.script(bash("echo 1"), FINISH))
    said = hint(terminal.run("run", "--session", "s", *options, "go"))
    assert said == "go on with: refold continue s, or say something"
    assert terminal.run("say", "s", "go on").returncode == 0
