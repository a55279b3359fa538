"""Crashes of every part of a runner, with real processes."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from refold.actors.runner.client import LaunchFailed, RunnerLost, RunnerRefused, RunnerSpec, launch
from refold.actors.runner.executor.processes import descendants
from refold.actors.sandboxes.choose import SANDBOXES
from refold.actors.sandboxes.local import Local
from refold.actors.sandboxes.sandbox import Confinement
from refold.eventlog.actions import Edit, Read, Run
from refold.eventlog.observations import Failure, FileContent, FileEdited, OutcomeUnknown, RunOutput
from refold.testing.runner_contract import PATIENCE_S, RealPlace

DRIVER = """
import sys
from pathlib import Path
from refold.actors.runner.client import launch, RunnerSpec
from refold.actors.runner.executor.processes import descendants
from refold.actors.sandboxes.choose import SANDBOXES
from refold.actors.sandboxes.local import Local
from refold.actors.sandboxes.sandbox import Confinement
from refold.eventlog.actions import Run
directory, workspace, sandbox, command = sys.argv[1:]
runner = launch(RunnerSpec(session="s", directory=Path(directory), workspace=Path(workspace),
                           sandbox=sandbox, epoch=1, incarnation="first"))
print("launched", flush=True)
if command:
    runner.execute("a", "digest", Run(command=command))
"""


def drive(place: RealPlace, command: str) -> list[str]:
    arguments = (place.directory, place.workspace, place.spec.sandbox, command)
    return [sys.executable, "-c", DRIVER, *map(str, arguments)]


@contextmanager
def a_door(place: RealPlace, name: str = "door") -> Generator[Callable[[], None]]:
    """Make a FIFO that a command can wait at (`read x < door`), and give what opens it."""
    door = place.workspace / name
    os.mkfifo(door)

    def open_it() -> None:
        door.write_text("go\n")

    yield open_it


def await_that(happened: Callable[[], object], what: str) -> None:
    """Wait for something that no descriptor tells of."""
    done = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if happened():
            return
        done.wait(0.01)
    raise AssertionError(f"waited in vain: {what}")


def await_end(pid: int, *, within_s: float = PATIENCE_S) -> None:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = select.select([process], [], [], within_s)[0]
    os.close(process)
    assert ended, f"process {pid} lives on"


def keeper_of(directory: Path) -> int:
    """Return the process of the keeper that serves a folder."""
    pid: int = json.loads((directory / "runner.json").read_bytes())["pid"]
    return pid


def test_a_command_outlives_the_driver_that_was_killed_and_its_whole_output_is_collected(
    place: RealPlace,
) -> None:
    command = "echo started >> starts; echo before; echo here > at-door; read x < door; echo after"
    with a_door(place) as open_it, subprocess.Popen(drive(place, command)) as driver:
        await_that((place.workspace / "at-door").exists, "the command starts")
        driver.kill()
        driver.wait()
        runner = place.connect(epoch=2)
        assert runner is not None
        assert runner.ask("a") == "running"
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(
                runner.collect_or_execute, "a", "digest", Run(command=command), runner.incarnation
            )
            open_it()
            observation = answer.result(PATIENCE_S)
    assert isinstance(observation, RunOutput)
    assert observation.content == "before\nafter"
    assert (place.workspace / "starts").read_text() == "started\n"


def test_a_keeper_that_is_killed_fails_whoever_waits_and_takes_the_command_with_it(place: RealPlace) -> None:
    runner = place.launch(incarnation="first")
    command = "echo started >> starts; sleep 1000 & echo $! > child; sleep 1001"
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command=command))
        await_that((place.workspace / "child").exists, "the command starts")
        below = descendants(runner.pid)
        assert len(below) >= len(("executor", "bash", "sleep", "sleep"))
        place.lose()
        with pytest.raises(RunnerLost):
            answer.result(PATIENCE_S)
    for pid in below:
        await_end(pid)
    again = place.launch(epoch=2, incarnation="second")
    assert again.ask("a") == "accepted"
    with pytest.raises(RunnerRefused, match="will not be run again"):
        again.execute("a", "digest", Run(command=command))
    observation = again.collect_or_execute("a", "digest", Run(command=command), "first")
    assert isinstance(observation, OutcomeUnknown)
    assert (place.workspace / "starts").read_text() == "started\n"


def test_an_executor_that_is_killed_ends_the_keeper_and_leaves_no_process(place: RealPlace) -> None:
    runner = place.launch()
    place.run("sleep 1000 & disown; setsid sleep 1001 & disown")
    below = descendants(runner.pid)
    os.kill(below[0], signal.SIGKILL)
    await_end(runner.pid)
    for pid in below:
        await_end(pid)
    with pytest.raises(RunnerLost):
        runner.ask("a")


def test_a_runner_that_ends_leaves_no_process_not_even_strays(place: RealPlace) -> None:
    runner = place.launch()
    stubborn = "trap '' TERM HUP; echo up > up; sleep 1002"
    place.run(f'sleep 1000 & disown; setsid sleep 1001 & disown; nohup setsid sh -c "{stubborn}" &')
    await_that((place.workspace / "up").exists, "the most stubborn one is up")
    below = descendants(runner.pid)
    assert len(below) >= len(("executor", "bash", "sleep", "sleep", "sh"))
    runner.end()
    for pid in (runner.pid, *below):
        await_end(pid, within_s=0)


def test_a_runner_whose_driver_is_gone_ends_after_its_lease_and_keeps_its_results(place: RealPlace) -> None:
    runner = place.launch(lease_s=0.3, incarnation="first")
    observation = runner.execute("a", "digest", place.leave_trace("a"))
    below = descendants(runner.pid)
    runner.close()
    for pid in (runner.pid, *below):
        await_end(pid)
    again = place.launch(epoch=2, incarnation="second")
    assert again.collect_or_execute("a", "digest", place.leave_trace("a"), "first") == observation
    assert place.traces("a") == 1


def test_a_lease_does_not_run_while_somebody_drives(place: RealPlace) -> None:
    place.launch(lease_s=0.2)
    assert place.run("sleep 0.5; echo still here").content == "still here"


def test_whoever_waits_for_the_driver_is_not_kept_waiting_by_the_runner(place: RealPlace) -> None:
    done = subprocess.run(drive(place, ""), capture_output=True, timeout=PATIENCE_S, check=True)
    assert done.stdout == b"launched\n"
    runner = place.connect(epoch=2)
    assert runner is not None
    assert os.getsid(runner.pid) == os.getpgid(runner.pid) == runner.pid
    keeper = Path(f"/proc/{runner.pid}")
    variables = (keeper / "environ").read_text().split("\0")
    assert {variable.partition("=")[0] for variable in variables} <= {"", "PATH", "LC_CTYPE"}
    assert {(keeper / "fd" / number).readlink() for number in ("0", "1")} == {Path(os.devnull)}


def test_a_second_runner_for_the_same_folder_is_refused_while_the_first_lives(local: RealPlace) -> None:
    local.launch()
    with pytest.raises(LaunchFailed, match="another runner of this session is alive"):
        local.launch(epoch=2)
    assert local.run("echo fine").content == "fine"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_signals_meant_for_the_driver_do_not_reach_the_keeper(local: RealPlace, number: int) -> None:
    runner = local.launch()
    os.kill(runner.pid, number)
    assert local.run("echo fine").content == "fine"


def test_a_terminated_keeper_ends_everything(local: RealPlace) -> None:
    runner = local.launch()
    below = descendants(runner.pid)
    os.kill(runner.pid, signal.SIGTERM)
    for pid in (runner.pid, *below):
        await_end(pid)


def test_a_launch_that_cannot_work_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    def spec(**changes: object) -> RunnerSpec:
        settings: dict[str, object] = {
            "session": "s",
            "directory": tmp_path / "runner",
            "workspace": tmp_path,
            "sandbox": "local",
            "epoch": 1,
            "incarnation": "first",
        }
        return RunnerSpec(**(settings | changes))  # type: ignore[arg-type]

    for changes, why in (
        ({"workspace": tmp_path / "none"}, "is not a folder"),
        ({"sandbox": "none"}, "there is no sandbox 'none'; there are: bubblewrap, docker, local"),
        ({"environment": {"PATH": "/nowhere"}}, "bash: not found"),
    ):
        with pytest.raises(LaunchFailed, match=why):
            launch(spec(**changes))
        assert not (tmp_path / "runner" / "runner.json").exists()


def test_live_output_is_shown_while_a_command_runs(place: RealPlace) -> None:
    runner = place.launch()
    shown: SimpleQueue[str] = SimpleQueue()
    command = "echo first; read x < door; echo second"
    with a_door(place) as open_it, ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command=command), on_glimpse=shown.put)
        assert shown.get(timeout=PATIENCE_S) == "first\n"
        open_it()
        observation = answer.result(PATIENCE_S)
    assert isinstance(observation, RunOutput)
    assert observation.content == "first\nsecond"


def test_an_interrupted_action_is_answered(place: RealPlace) -> None:
    runner = place.launch()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command="echo begun > begun; sleep 1000"))
        queued = pool.submit(runner.execute, "b", "digest", place.leave_trace("b"))
        await_that((place.workspace / "begun").exists, "the command starts")
        await_that(lambda: runner.ask("b") == "accepted", "the second one is queued")
        runner.interrupt("b")
        dropped = queued.result(PATIENCE_S)
        runner.interrupt("a")
        observation = answer.result(PATIENCE_S)
    assert isinstance(observation, RunOutput)
    assert observation.exit_code == 130
    assert "[The command was interrupted.]" in observation.content
    assert isinstance(dropped, Failure)
    assert place.traces("b") == 0


def test_every_kind_of_action_comes_back_as_its_observation(place: RealPlace) -> None:
    place.launch()
    made = place.do(Edit(command="create", path="/workspace/a.txt", file_text="one\n"))
    assert made == FileEdited(
        content="File created successfully at: /workspace/a.txt",
        path="/workspace/a.txt",
        existed=False,
        new_content="one\n",
    )
    assert (place.workspace / "a.txt").read_text() == "one\n"
    seen = place.do(Read(path="a.txt", view_range=(1, 1)))
    assert isinstance(seen, FileContent)
    assert seen.content.endswith(":\n     1\tone\n")
    assert place.run("cat a.txt").content == "one"
    failed = place.do(Edit(command="str_replace", path="a.txt", old_str="two", new_str="2"))
    assert failed == Failure(
        content="ERROR:\nNo replacement was performed, old_str `two` did not appear verbatim in a.txt."
    )
    assert place.do(Read(path="no")) == Failure(
        content="ERROR:\nThe path no does not exist. Please provide a valid path."
    )


def test_files_get_the_permissions_that_the_driver_would_give_them(place: RealPlace) -> None:
    before = os.umask(0o026)
    try:
        place.launch()
    finally:
        os.umask(before)
    place.run("touch by-command")
    place.do(Edit(command="create", path="by-editor", file_text=""))
    for name in ("by-command", "by-editor"):
        assert (place.workspace / name).stat().st_mode & 0o777 == 0o640


def test_a_result_of_many_megabytes_and_odd_text_comes_through(place: RealPlace) -> None:
    text = "ü\u2028\U0001f600 " * 300_000
    made = place.launch().execute("a", "digest", Edit(command="create", path="big", file_text=text))
    assert isinstance(made, FileEdited)
    assert (place.workspace / "big").read_text() == text


LIAR = """
import json, sys
sys.stdin.readline()
print('{"ready": 1}', flush=True)
for line in sys.stdin:
    key = json.loads(line)["key"]
    real = {"kind": "run", "content": "real", "exit_code": 0}
    print(json.dumps({"key": "later", "observation": real | {"content": "forged"}}))
    print(json.dumps({"key": key, "observation": real if key != "odd" else {"kind": "no such kind"}}))
    if key == "mad":
        print("this is no JSON")
    sys.stdout.flush()
"""


class Lying(Local):
    """A sandbox in which commands have got hold of the executor's pipes."""

    def command(self, confinement: Confinement) -> Sequence[str]:
        del confinement
        return [sys.executable, "-c", LIAR]


def test_an_executor_that_lies_forges_no_other_answer_and_can_only_end_itself(
    local: RealPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SANDBOXES, "local", Lying())
    runner = local.launch()
    action = Run(command="anything")
    real = RunOutput(content="real", exit_code=0)
    assert runner.execute("a", "digest", action) == real
    assert runner.ask("later") == "unknown"
    assert runner.execute("later", "digest", action).content == "forged"
    odd = runner.execute("odd", "digest", action)
    assert isinstance(odd, Failure)
    assert "cannot be read" in odd.content
    with pytest.raises(RunnerLost):
        runner.execute("mad", "digest", action)
    await_end(runner.pid)


def test_a_journal_with_a_torn_end_is_read_up_to_there(local: RealPlace) -> None:
    runner = local.launch(incarnation="first")
    observation = runner.execute("a", "digest", local.leave_trace("a"))
    runner.end()
    with (local.directory / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"accepted": "b", "dig\n\0\0\0\n{"accepted')
    again = local.launch(epoch=2, incarnation="second")
    assert again.ask("a") == observation
    assert again.ask("b") == "unknown"


def test_what_is_kept_is_for_nobody_else_to_read(local: RealPlace) -> None:
    local.launch(environment={"TOKEN": "hush-hush"})
    assert local.run("test $TOKEN = hush-hush && echo same").content == "same"
    place = json.loads((local.directory / "runner.json").read_bytes())
    assert local.directory.stat().st_mode & 0o077 == 0
    assert Path(place["socket"]).parent.stat().st_mode & 0o077 == 0
    for file in local.directory.iterdir():
        assert b"hush-hush" not in file.read_bytes() or file.name == "journal.jsonl"
    for pid in descendants(place["pid"]):
        assert b"hush-hush" not in Path(f"/proc/{pid}/cmdline").read_bytes()
