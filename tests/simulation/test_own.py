"""Agents, worlds and laws of a user's own: what they remember, and what becomes of what they raise."""

from collections import Counter
from typing import NoReturn

from refold.eventlog.actions import Action, Run
from refold.eventlog.events import ModelAnswered
from refold.eventlog.observations import Observation, RunOutput
from refold.projections.request import Request
from refold.testing import Broken, SessionRun, SessionScenario, says, simulate

MAIL = says("", ("execute_bash", {"command": "mail ann"}))
FINISH = says("", ("finish", {"message": "done"}))


class Forgetful:
    """Mails once, as far as it knows."""

    def __init__(self) -> None:
        self.mailed = False

    def __call__(self, _: Request) -> ModelAnswered:
        if self.mailed:
            return FINISH
        self.mailed = True
        return MAIL


class Post:
    def __init__(self) -> None:
        self.sent = Counter[str]()

    def __call__(self, key: str, action: Action) -> Observation:
        del key
        if isinstance(action, Run):
            self.sent[action.command] += 1
        return RunOutput(content="sent", exit_code=0)


def one_mail_at_most(run: SessionRun) -> None:
    assert isinstance(run.answering, Post)
    if run.answering.sent["mail ann"] > 1:
        raise Broken("one_mail_at_most", str(run.answering.sent))


def test_what_an_agent_remembers_dies_with_its_process() -> None:
    scenario = SessionScenario(name="forgetful", agent=Forgetful, answers=Post, law=one_mail_at_most)
    runs = [simulate(scenario, seed=seed) for seed in range(200)]
    assert {run.failure for run in runs if run.deaths == 0} == {None}
    assert any(run.failure == "one_mail_at_most: Counter({'mail ann': 2})" for run in runs)


def raise_error(_: object) -> NoReturn:
    raise ValueError("no idea")


def test_an_agent_that_raises_is_named_with_its_line() -> None:
    for scenario, law in (
        (SessionScenario(name="agent", agent=lambda: raise_error), "an_agent_raises_nothing"),
        (SessionScenario(name="lines", lines=(raise_error,)), "lines_raise_nothing"),
    ):
        failure = simulate(scenario, trace={}).failure
        assert failure is not None
        assert failure.startswith(f"{law}: ValueError: no idea (test_own.py:")
        assert failure.endswith(", in raise_error)")


def test_a_world_that_raises_is_named_and_no_runner_is_blamed() -> None:
    def answers_nothing(key: str, action: Action) -> NoReturn:
        del key, action
        raise OSError

    scenario = SessionScenario(name="world", lines=(MAIL, FINISH), answers=lambda: answers_nothing)
    failure = simulate(scenario, trace={}).failure
    assert failure is not None
    assert failure.startswith("answers_raise_nothing: OSError (test_own.py:")


def fail() -> NoReturn:
    raise ValueError("no idea")


def test_an_agent_a_world_or_a_memory_that_cannot_be_made_is_named() -> None:
    for scenario, law in (
        (SessionScenario(name="agent", agent=fail), "an_agent_can_be_made"),
        (SessionScenario(name="world", lines=(FINISH,), answers=fail), "answers_can_be_made"),
        (SessionScenario(name="memory", lines=(FINISH,), memory=fail), "memory_can_be_made"),
    ):
        failure = simulate(scenario, trace={}).failure
        assert failure is not None
        assert failure.startswith(f"{law}: ValueError: no idea (test_own.py:")


def test_an_assertion_in_a_law_breaks_the_law() -> None:
    def nobody_is_mailed(run: SessionRun) -> None:
        assert run.done == [], "somebody was"

    scenario = SessionScenario(name="asserting", lines=(MAIL, FINISH), law=nobody_is_mailed)
    failure = simulate(scenario, trace={}).failure
    assert failure is not None
    assert failure.startswith("nobody_is_mailed: AssertionError: somebody was")
