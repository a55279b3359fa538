"""Containers: the contract where a daemon answers; elsewhere a stand-in for `docker` that contains nothing.

The stand-in takes the command line apart as the client would, runs the same executor in a process group of
its own, and keeps a list of containers, so that the life of one is tested though none is ever started.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from refold.actors.runner.launch import confinement_of
from refold.actors.runner.runner import LaunchFailed, RunnerSpec
from refold.actors.runtimes.registry import runtime
from refold.actors.sandboxes.docker import Docker, container
from refold.eventlog.actions import Run
from refold.eventlog.runtime_settings import Docker as DockerSettings
from refold.eventlog.runtime_settings import Limits, Mount, RuntimeSettings
from refold.testing.runner_contract import RunnerContract, RuntimePlace
from tests.runner.test_keeper import await_that

STAND_IN = """#!{python}
import json, os, subprocess, sys
state = {state!r}
given = sys.argv[1:]
def listed():
    return [json.load(open(os.path.join(state, name))) | {{"file": name}} for name in os.listdir(state)]
if given[0] == "version":
    print("27.0"); sys.exit(0)
if given[0] == "ps":
    wanted = given[given.index("--filter") + 1].removeprefix("label=refold.scope=")
    print("\\n".join(each["name"] for each in listed() if each["scope"] == wanted)); sys.exit(0)
if given[0] == "rm":
    for name in given[2:]:
        path = os.path.join(state, name)
        if os.path.exists(path):
            pid = json.load(open(path))["pid"]
            try: os.killpg(pid, 9)
            except OSError: pass
            os.unlink(path)
    sys.exit(0)
assert given[0] == "run", given
options, mounts, flags = {{}}, {{}}, set()
rest = given[1:]
while rest and rest[0].startswith("--"):
    if rest[0] in ("--interactive", "--rm", "--init"):
        flags.add(rest.pop(0)); continue
    name, value = rest.pop(0), rest.pop(0)
    if name == "--mount":
        parts = dict(part.partition("=")[::2] for part in value.split(","))
        mounts[parts["target"]] = parts["source"]
    else:
        options[name] = value
image, *arguments = rest
path = os.path.join(state, options["--name"])
if os.path.exists(path):
    print("the name is in use", file=sys.stderr); sys.exit(125)
# Nothing is mounted: what stands for the workspace inside is its own place here.
here = os.path.dirname(mounts["/opt/refold/executor"])
arguments = [each.replace("/opt/refold", here) for each in arguments]
first, settings = sys.stdin.buffer.readline(), None
settings = json.loads(first); settings["workspace"] = mounts["/workspace"]
settings["environment"]["PATH"] = {path!r}
inner = subprocess.Popen([{python!r}, *arguments], stdin=subprocess.PIPE, start_new_session=True)
with open(path, "w") as file:
    json.dump({{"name": options["--name"], "scope": options["--label"].partition("=")[2], "pid": inner.pid,
               "argv": given}}, file)
inner.stdin.write(json.dumps(settings).encode() + b"\\n"); inner.stdin.flush()
for line in sys.stdin.buffer:
    inner.stdin.write(line); inner.stdin.flush()
inner.stdin.close()
inner.wait()
if os.path.exists(path): os.unlink(path)
"""


@pytest.fixture
def containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-in on the PATH, and return the folder of its containers."""
    state, programs = tmp_path / "containers", tmp_path / "bin"
    state.mkdir()
    programs.mkdir()
    program = programs / "docker"
    program.write_text(STAND_IN.format(python=sys.executable, state=str(state), path=os.environ["PATH"]))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return state


def spec_in(base: Path, settings: RuntimeSettings | None = None) -> RunnerSpec:
    (base / "work").mkdir(exist_ok=True)
    return RunnerSpec(
        session="s",
        directory=base / "runner",
        workspace=base / "work",
        sandbox="docker",
        epoch=1,
        incarnation="first",
        settings=settings or RuntimeSettings(),
        scope="log/s",
    )


@pytest.fixture
def place(tmp_path: Path) -> Iterator[RuntimePlace]:
    spec = spec_in(tmp_path)
    place = RuntimePlace(runtime("docker"), spec, kept=spec.directory, workspace=spec.workspace)
    yield place
    place.end()


class TestContainedRunner(RunnerContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[RuntimePlace]:
        if (reason := Docker().unavailable()) is not None:
            pytest.skip(reason)
        spec = spec_in(tmp_path)
        place = RuntimePlace(runtime("docker"), spec, kept=spec.directory, workspace=spec.workspace)
        yield place
        place.end()


@pytest.mark.usefixtures("containers")
class TestContainedRunnerWithoutContainers(RunnerContract):
    """The same promises with the stand-in."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[RuntimePlace]:
        spec = spec_in(tmp_path)
        place = RuntimePlace(runtime("docker"), spec, kept=spec.directory, workspace=spec.workspace)
        yield place
        place.end()


def test_a_container_is_removed_when_its_runner_ends(containers: Path, place: RuntimePlace) -> None:
    runner = place.launch()
    assert runner.execute("a", "digest", Run(command="echo fine")).content == "fine"
    (file,) = containers.iterdir()
    assert file.name == container("log/s")
    assert json.loads(file.read_text())["scope"] == "log/s"
    runner.end()
    assert list(containers.iterdir()) == []


def test_what_a_killed_client_left_is_found_by_its_label_and_removed(
    containers: Path, place: RuntimePlace
) -> None:
    left = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    leftover = {"name": container("log/s"), "scope": "log/s", "pid": left.pid}
    (containers / container("log/s")).write_text(json.dumps(leftover))
    assert place.runtime.is_alive(place.spec)
    place.runtime.clear(place.spec)
    assert list(containers.iterdir()) == []
    assert left.wait() != 0
    assert not place.runtime.is_alive(place.spec)


def test_a_leftover_does_not_keep_the_next_runner_from_starting(
    containers: Path, place: RuntimePlace
) -> None:
    left = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    leftover = {"name": container("log/s"), "scope": "log/s", "pid": left.pid}
    (containers / container("log/s")).write_text(json.dumps(leftover))
    assert place.launch().execute("a", "digest", Run(command="echo fine")).content == "fine"
    assert left.wait() != 0


def test_a_keeper_that_is_killed_takes_its_container_with_it(containers: Path, place: RuntimePlace) -> None:
    place.launch()
    place.lose()
    await_that(lambda: list(containers.iterdir()) == [], "the container is gone")


def test_the_command_line_says_everything_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    settings = RuntimeSettings(
        mounts=(Mount(str(tmp_path / "data"), "/data"),),
        limits=Limits(memory_bytes=2**30, processes=99, cpu_s=7),
        docker=DockerSettings(image="example/image:1", user="7:8", cpus=1.5),
    )
    command = list(Docker().command(confinement_of(spec_in(tmp_path, settings))))
    said = " ".join(command)
    for part in (
        "run --interactive --rm --init",
        f"--name {container('log/s')}",
        "--label refold.scope=log/s",
        "--cap-drop ALL --security-opt no-new-privileges --user 7:8",
        "--network none",
        "--cpus 1.5 --memory 1073741824 --memory-swap 1073741824 --pids-limit 99",
        f"--mount type=bind,source={tmp_path / 'work'},target=/workspace ",
        f"--mount type=bind,source={tmp_path / 'data'},target=/data,readonly",
        "--entrypoint python3 example/image:1 -I -S -c",
    ):
        assert part in said, part
    assert Docker.own_limits == {"memory_bytes", "processes"}


def test_a_container_runs_as_its_user_and_has_a_network_only_if_asked(tmp_path: Path) -> None:
    confinement = confinement_of(spec_in(tmp_path))
    said = " ".join(Docker().command(confinement))
    assert f"--user {os.getuid()}:{os.getgid()}" in said
    assert "--network none" in said


def test_an_image_without_a_name_is_refused(containers: Path, tmp_path: Path) -> None:
    settings = RuntimeSettings(docker=DockerSettings(image="--privileged"))
    with pytest.raises(LaunchFailed, match="is no name of an image"):
        runtime("docker").launch(spec_in(tmp_path, settings))
    assert list(containers.iterdir()) == []


def test_without_a_daemon_docker_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no docker on the PATH" in str(Docker().unavailable())
