"""What a configuration says of sessions to come, at a terminal: what is cloned, and what is no key."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.terminal import FINISH, Terminal

PERSON = ("-c", "user.name=a", "-c", "user.email=a@b")


@pytest.fixture
def repositories(terminal: Terminal) -> Path:
    """Return a configuration that names one of two repositories, and a branch that the other lacks."""
    for name, branch in (("one", "next"), ("two", "main")):
        place = terminal.folder / name
        subprocess.run(["git", "init", "--quiet", "--initial-branch", branch, str(place)], check=True)
        commit = ["git", *PERSON, "commit", "--quiet", "--allow-empty", "-m", "first"]
        subprocess.run(commit, check=True, cwd=place)
    configuration = terminal.folder / "config.toml"
    configuration.write_text('repository = "one"\nbranch = "next"\n', encoding="utf-8")
    return configuration


def test_a_repository_and_its_branch_are_configured(terminal: Terminal, repositories: Path) -> None:
    options = ("--config", str(repositories), *terminal.script(FINISH))
    assert terminal.run("run", "--session", "s", *options, "go").returncode == 0
    head = (terminal.workspace("s") / ".git" / "HEAD").read_text(encoding="utf-8")
    assert head == "ref: refs/heads/next\n"


def test_the_branch_that_is_configured_is_of_no_other_repository(
    terminal: Terminal, repositories: Path
) -> None:
    options = ("--config", str(repositories), *terminal.script(FINISH))
    run = ("run", "--session", "s", "--repo", str(terminal.folder / "two"), *options, "go")
    assert terminal.run(*run).returncode == 0
    head = (terminal.workspace("s") / ".git" / "HEAD").read_text(encoding="utf-8")
    assert head == "ref: refs/heads/main\n"


def test_a_variable_that_sets_no_key_is_told_and_those_that_mean_something_else_are_not(
    terminal: Terminal,
) -> None:
    done = terminal.run("config", REFOLD_SKILLS="x", REFOLD_LEASE_S="3", REFOLD_RUNTIME_LEASE_S="4")
    assert done.returncode == 0
    assert "$REFOLD_LEASE_S sets no key" in done.stderr
    assert "SKILLS" not in done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("runtime.lease_s")]
    assert line.split() == ["runtime.lease_s", "4.0", "$REFOLD_RUNTIME_LEASE_S"]
