"""A runner that hangs is a runner that is lost, and one that only works on is not."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import refold
from refold.actors.runner.client import RunnerLost
from refold.actors.runner.executor.processes import descendants
from refold.actors.runner.life import TRIES
from refold.eventlog.actions import Edit, Run
from refold.eventlog.events import ActionStarted, ObservationRecorded, RuntimeConnected, RuntimeLost
from refold.eventlog.observations import OutcomeUnknown, RunOutput
from refold.eventlog.runtime_settings import RuntimeSettings
from refold.testing.runner_contract import PATIENCE_S, RealPlace
from tests.front.test_embedding import FINISH, script, shell
from tests.runner.lines import Elsewhere
from tests.runner.test_keeper import a_door, await_end, await_that, keeper_of

SOON = RuntimeSettings(hung_after_s=1.0)
LONG = "echo started >> starts; sleep 1000"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    elsewhere = Elsewhere(tmp_path)
    yield elsewhere
    elsewhere.close()


def test_whoever_waits_for_a_keeper_that_is_stopped_is_told_of_a_loss(place: RealPlace) -> None:
    runner = place.launch(settings=SOON)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command=LONG))
        await_that((place.workspace / "starts").exists, "the command starts")
        os.kill(runner.pid, signal.SIGSTOP)
        with pytest.raises(RunnerLost, match="no sign of life for 1 s"):
            answer.result(PATIENCE_S)
    with pytest.raises(RunnerLost, match="no sign of life"):
        runner.ask("a")


def test_what_is_too_much_for_a_stopped_keeper_to_take_is_given_up_as_well(place: RealPlace) -> None:
    runner = place.launch(settings=SOON)
    os.kill(runner.pid, signal.SIGSTOP)
    with pytest.raises(RunnerLost, match="no sign of life"):
        runner.execute("a", "digest", Edit(command="create", path="big", file_text="x" * 10_000_000))
    assert not (place.workspace / "big").exists()


def test_a_keeper_that_awakes_before_it_is_sought_hands_its_result_over(place: RealPlace) -> None:
    runner = place.launch(settings=SOON)
    command = "echo started >> starts; read x < door; echo after"
    with a_door(place) as open_it, ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command=command))
        await_that((place.workspace / "starts").exists, "the command starts")
        os.kill(runner.pid, signal.SIGSTOP)
        with pytest.raises(RunnerLost):
            answer.result(PATIENCE_S)
        os.kill(runner.pid, signal.SIGCONT)
        again = place.connect(epoch=2)
        assert again is not None
        open_it()
        observation = again.collect_or_execute("a", "digest", Run(command=command), "first")
    assert isinstance(observation, RunOutput)
    assert (place.workspace / "starts").read_text() == "started\n"


@pytest.mark.parametrize("stopped", ["keeper", "keeper and executor"])
def test_a_keeper_that_is_still_hung_when_it_is_sought_is_ended_and_what_it_ran_is_never_run_again(
    place: RealPlace, stopped: str
) -> None:
    runner = place.launch(settings=SOON)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command=LONG))
        await_that((place.workspace / "starts").exists, "the command starts")
        below = descendants(runner.pid)
        for pid in (runner.pid, *(below if "executor" in stopped else ())):
            os.kill(pid, signal.SIGSTOP)
        with pytest.raises(RunnerLost):
            answer.result(PATIENCE_S)
    assert place.connect(epoch=2) is None
    for pid in (runner.pid, *below):
        await_end(pid, within_s=0)
    again = place.launch(epoch=2, incarnation="second")
    observation = again.collect_or_execute("a", "digest", Run(command=LONG), "first")
    assert isinstance(observation, OutcomeUnknown)
    assert (place.workspace / "starts").read_text() == "started\n"


def test_a_command_may_be_silent_for_longer_than_a_keeper(place: RealPlace) -> None:
    runner = place.launch(settings=RuntimeSettings(hung_after_s=3.0))
    with a_door(place) as open_it, ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command="read x < door; echo after"))
        await_that(lambda: runner.heard > 2 * TRIES, "the keeper says that it lives")
        open_it()
        observation = answer.result(PATIENCE_S)
    assert isinstance(observation, RunOutput)
    assert observation.content == "after"


def test_a_keeper_elsewhere_that_hangs_is_ended_by_its_server(elsewhere: Elsewhere) -> None:
    place = elsewhere.place(hung_after_s=1.0)
    runner = place.launch()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command=LONG))
        await_that((place.workspace / "starts").exists, "the command starts")
        keeper = keeper_of(elsewhere.kept)
        os.kill(keeper, signal.SIGSTOP)
        with pytest.raises(RunnerLost, match="the runner is gone"):
            answer.result(PATIENCE_S)
    await_end(keeper, within_s=0)
    again = place.launch(epoch=2, incarnation="second")
    observation = again.collect_or_execute("a", "digest", Run(command=LONG), "first")
    assert isinstance(observation, OutcomeUnknown)
    assert (place.workspace / "starts").read_text() == "started\n"


def test_b16_a_session_whose_runner_hangs_goes_on_with_another_and_repeats_nothing(tmp_path: Path) -> None:
    model = script(tmp_path, shell(LONG), shell("cat starts"), FINISH)
    with refold.open(tmp_path / "home") as system:
        session = system.start("go", session="s", model=model, sandbox="local", runtime=SOON)
        await_that((system.home.workspace("s") / "starts").exists, "the command starts")
        os.kill(keeper_of(system.home.runner("s")), signal.SIGSTOP)
        assert session.wait(timeout=60).agent.state == "finished"
        facts = [record.event for record in session.watch()]
    (lost,) = (fact for fact in facts if isinstance(fact, RuntimeLost))
    assert "no sign of life for 1 s" in lost.reason
    incarnations = [fact.incarnation for fact in facts if isinstance(fact, RuntimeConnected)]
    assert len(set(incarnations)) == len(incarnations) == 2
    assert [fact.incarnation for fact in facts if isinstance(fact, ActionStarted)][:2] == incarnations
    first, second, *_ = (fact.observation for fact in facts if isinstance(fact, ObservationRecorded))
    assert isinstance(first, OutcomeUnknown)
    assert second.content == "started"
