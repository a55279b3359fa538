"""Rules 2, 6, 8, 9 and 12 in the real world: repositories, scripts, hooks and their tokens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import refold
from refold.actors.runner import git as asked
from refold.actors.runner.hands import RunnerHands
from refold.errors import WrongUsage
from refold.eventlog.events import ObservationRecorded, RecallRecorded, WarningRaised
from refold.eventlog.starting import StartEnded, StartStepEnded
from refold.session import Session
from refold.system import System
from tests.behaviour.git_remote import git, http_backend, repository, served
from tests.behaviour.test_secrets import written
from tests.front.test_embedding import FINISH, script, shell

TOKEN = "tok-3n-for-the-remote"  # noqa: S105 - of a remote of our own
FILES = {
    "README.md": "hello",
    ".openhands/setup.sh": "echo set up >> ../setup.log; export GREETING=moin; sleep 0.1",
    ".refold/pre-commit.sh": "echo checked >> checked; ! grep -q bad README.md",
}
needs_backend = pytest.mark.skipif(http_backend() is None, reason="there is no git http-backend here")


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with refold.open(tmp_path / "home", environment={"GIT_TOKEN": TOKEN}) as system:
        yield system


def steps(system: System, session: str) -> dict[str, StartStepEnded]:
    return {
        record.event.step: record.event
        for record in system.log.read(session)
        if isinstance(record.event, StartStepEnded)
    }


def observed(system: System, session: str) -> list[str]:
    return [
        record.event.observation.content
        for record in system.log.read(session)
        if isinstance(record.event, ObservationRecorded)
    ][:-1]


def start(system: System, tmp_path: Path, *commands: str, **options: object) -> Session:
    model = script(tmp_path, *(shell(command) for command in commands), FINISH)
    return system.start("go", model=model, sandbox="local", **options)  # type: ignore[arg-type]


def test_b02_a_repository_is_cloned_and_set_up_and_has_its_hooks(system: System, tmp_path: Path) -> None:
    source = repository(tmp_path / "source", FILES)
    commit = "git -c user.name=a -c user.email=a@b commit -qam more"
    session = start(
        system,
        tmp_path,
        "cat README.md aside; echo $GREETING; cat ../setup.log",
        f"echo more >> README.md; {commit} && cat checked",
        f"echo bad >> README.md; {commit} || echo refused",
        repository=str(source),
        branch="side",
        instructions="Be brief.",
    )
    assert session.wait(timeout=60).agent.state == "finished"
    first, second, third = observed(system, session.name)
    assert first.split("\n") == ["helloon a branchmoin", "set up"]
    assert "checked" in second
    assert third.endswith("refused")
    assert list(steps(system, session.name)) == ["repository", "setup", "hooks"]
    (ended,) = [r.event for r in system.log.read(session.name) if isinstance(r.event, StartEnded)]
    assert ended.steps["setup"] >= 0.1
    recalls = [r.event for r in system.log.read(session.name) if isinstance(r.event, RecallRecorded)]
    assert "Branch: side" in recalls[0].content
    assert "Be brief." in recalls[0].content


def test_b02_a_bare_repository_is_cloned_too(system: System, tmp_path: Path) -> None:
    repository(tmp_path / "source", {"a": "1"})
    git(tmp_path, "clone", "--quiet", "--bare", "source", "bare.git")
    session = start(system, tmp_path, "cat a", repository=str(tmp_path / "bare.git"))
    assert session.wait(timeout=60).agent.state == "finished"
    assert observed(system, session.name) == ["1"]


@pytest.mark.parametrize(
    ("files", "branch", "part"),
    [
        ({}, "nowhere", "Remote branch nowhere not found"),
        ({".refold/setup.sh": "echo no such package; exit 3"}, None, "exit code 3\nno such package"),
        ({".refold/setup.sh": "set -e\nfalse\ntrue"}, None, "exit code 1"),
    ],
)
def test_b06_a_step_that_fails_ends_in_error_and_leaves_no_runner(
    system: System, tmp_path: Path, files: dict[str, str], branch: str | None, part: str
) -> None:
    source = repository(tmp_path / "source", files)
    session = start(system, tmp_path, repository=str(source), branch=branch)
    state = session.wait(timeout=60)
    assert state.agent.state == "error"
    failed = [step for step in steps(system, session.name).values() if step.outcome == "failed"]
    assert part in failed[0].detail
    assert not RunnerHands(session.name, system.home.runner(session.name)).is_alive()


def test_b06_a_setup_that_takes_too_long_is_ended(system: System, tmp_path: Path) -> None:
    from msgspec.structs import replace  # noqa: PLC0415

    from refold.beginning import begin  # noqa: PLC0415
    from refold.eventlog.events import SessionStarted  # noqa: PLC0415

    source = repository(tmp_path / "source", {".refold/setup.sh": "sleep 100"})
    model = script(tmp_path, FINISH)
    settings = begin(system.home, "s", model=model, sandbox="local", repository=str(source))
    session = system.launch("s", SessionStarted(settings=replace(settings, start_timeout_s=1.0)))
    assert session.wait(timeout=60).agent.state == "error"
    assert "timed out after 1 seconds" in steps(system, "s")["setup"].detail


def test_b06_a_workspace_with_something_else_in_it_is_left_alone(system: System, tmp_path: Path) -> None:
    source, workspace = repository(tmp_path / "source", {}), tmp_path / "full"
    workspace.mkdir()
    (workspace / "mine").write_text("mine", encoding="utf-8")
    session = start(system, tmp_path, repository=str(source), workspace=workspace)
    assert session.wait(timeout=60).agent.state == "error"
    assert "not empty" in steps(system, session.name)["repository"].detail
    assert [path.name for path in workspace.iterdir()] == ["mine"]


def test_b06_a_workspace_that_is_a_repository_of_nowhere_is_left_alone(
    system: System, tmp_path: Path
) -> None:
    source = repository(tmp_path / "source", {"mine": "mine"})
    session = start(system, tmp_path, repository=str(source), workspace=source)
    assert session.wait(timeout=60).agent.state == "error"
    assert "not empty" in steps(system, session.name)["repository"].detail


def test_b07_hooks_without_a_repository_are_a_warning(system: System, tmp_path: Path) -> None:
    workspace = tmp_path / "plain"
    (workspace / ".refold").mkdir(parents=True)
    (workspace / ".refold" / "pre-commit.sh").write_text("true", encoding="utf-8")
    session = start(system, tmp_path, workspace=workspace)
    assert session.wait(timeout=60).agent.state == "finished"
    warnings = [r.event for r in system.log.read(session.name) if isinstance(r.event, WarningRaised)]
    assert "not a git repository" in warnings[0].text


def test_b08_the_setup_script_runs_once_per_sandbox(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    (workspace / ".refold").mkdir(parents=True)
    (workspace / ".refold" / "setup.sh").write_text("echo x >> setup.log", encoding="utf-8")
    model = script(tmp_path, ("And?", []), ("And?", []), shell("true"), FINISH)
    with refold.open(tmp_path / "home") as system:
        session = system.start("go", session="s", model=model, sandbox="local", workspace=workspace)
        session.wait(timeout=60)
    with refold.open(tmp_path / "home") as system:  # Its runner is alive yet.
        session = system.resume("s")
        session.say("go on")
        session.wait(timeout=60)
        assert (workspace / "setup.log").read_text() == "x\n"
        session.close()
        session = system.resume("s")
        session.say("go on")
        assert session.wait(timeout=60).agent.state == "finished"
        assert (workspace / "setup.log").read_text() == "x\nx\n"


@needs_backend
def test_b09_a_token_is_in_no_command_line_no_file_and_no_event(system: System, tmp_path: Path) -> None:
    repository(tmp_path / "source", FILES)
    root = tmp_path / "served"
    root.mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", "source", "served/r.git")
    with served(root, user="git", token=TOKEN) as remote:
        remote.gate.clear()
        session = start(
            system, tmp_path, "git config --list", repository=f"{remote.url}/r.git", secrets=["GIT_TOKEN"]
        )
        assert remote.arrived.wait(60)
        shown = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        assert any(b"git" in line and b"clone" in line for line in shown)
        assert not any(TOKEN.encode() in line for line in shown)
        remote.gate.set()
        assert session.wait(timeout=60).agent.state == "finished"
        assert remote.authorized
    assert "remote.origin.url=http://127.0.0.1" in observed(system, session.name)[0]
    assert TOKEN.encode() not in written(tmp_path)


@needs_backend
def test_b09_without_a_token_git_asks_nobody_and_the_start_says_so(system: System, tmp_path: Path) -> None:
    with served(tmp_path, user="git", token=TOKEN) as remote:
        session = start(system, tmp_path, repository=f"{remote.url}/r.git")
        assert session.wait(timeout=60).agent.state == "error"
    assert "could not read Username" in steps(system, session.name)["repository"].detail
    assert "--secret-env GIT_TOKEN" in steps(system, session.name)["repository"].detail


def test_b09_an_address_with_credentials_is_refused(system: System, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="GITHUB_TOKEN"):
        start(system, tmp_path, repository=f"https://ada:{TOKEN}@github.com/a/b.git")
    with pytest.raises(WrongUsage, match="no address"):
        start(system, tmp_path, repository="ext::sh -c id")
    with pytest.raises(WrongUsage, match="--repo"):
        start(system, tmp_path, branch="main")
    assert not list(system.log.streams())


@pytest.mark.parametrize(
    ("url", "user", "password"),
    [
        ("https://github.com/a/b", "x-access-token", "one-of-github"),
        ("https://gitlab.com/a/b", "oauth2", "one-of-gitlab"),
        ("https://bitbucket.org/a/b", "ada", "one-of-bitbucket"),
        ("https://example.org/a/b", "git", "my-own"),
        ("http://example.org/a/b", None, None),
        ("/some/where", None, None),
    ],
)
def test_b09_a_token_goes_to_its_own_host_only_and_never_in_the_clear(
    url: str, user: str | None, password: str | None
) -> None:
    from tests.behaviour.scenes import settings  # noqa: PLC0415

    secrets = {
        "GITHUB_TOKEN": "one-of-github",
        "GITLAB_TOKEN": "one-of-gitlab",
        "BITBUCKET_TOKEN": "ada:one-of-bitbucket",
        "GIT_TOKEN": "my-own",
    }
    request = asked.request(settings(repository=url), secrets)
    assert request["environment"].get("REFOLD_GIT_USER") == user
    assert request["environment"].get("REFOLD_GIT_PASSWORD") == password
    assert not any(secret in str(request["options"]) for secret in secrets.values())


@needs_backend
def test_b12_a_start_that_is_closed_while_it_clones_leaves_nothing_behind(
    system: System, tmp_path: Path
) -> None:
    repository(tmp_path / "source", FILES)
    root = tmp_path / "served"
    root.mkdir()
    git(tmp_path, "clone", "--quiet", "--bare", "source", "served/r.git")
    with served(root, user="git", token=TOKEN) as remote:
        remote.gate.clear()
        session = start(system, tmp_path, repository=f"{remote.url}/r.git", secrets=["GIT_TOKEN"])
        assert remote.arrived.wait(60)
        session.close()
        workspace = system.home.workspace(session.name)
        assert not list(workspace.iterdir())
        assert not RunnerHands(session.name, system.home.runner(session.name)).is_alive()
        remote.gate.set()
        session = system.resume(session.name)
        assert session.wait(timeout=60).agent.state == "finished"
        assert (workspace / "README.md").read_text() == "hello"
