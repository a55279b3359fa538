"""Rule 34: analyzers by name, the model's own estimate, and one that fails or hangs."""

import threading

import pytest

from refold.actors.models.fake import says
from refold.actors.security.answers import assess_answer
from refold.actors.security.estimate import ModelEstimate
from refold.actors.security.guarded import Guarded
from refold.actors.security.port import AnalyzerUnknown, Surroundings
from refold.actors.security.registry import RealAnalysts, check_analyzer, open_analyzer
from refold.actors.security.rules import Rules
from refold.actors.security.schema import with_estimate
from refold.actors.tools.toolbox import TOOLS, read_answer
from refold.eventlog.actions import Action, Run
from refold.eventlog.risk import Assessment
from refold.eventlog.settings import Settings

WHERE = Surroundings(workspace="/w", directory="/w")
SETTINGS = Settings(model="script:s", workspace="/w", sandbox="local", confirm="risky")


class Careful:
    """An analyzer of somebody's own."""

    def assess(self, action: Action, surroundings: Surroundings) -> Assessment:
        if isinstance(action, Run) and action.command == "raise":
            raise ValueError("I cannot say")
        return Assessment(risk="high", reason=f"{len(surroundings.before)} before it")


class Hanging:
    def __init__(self) -> None:
        self.released = threading.Event()

    def assess(self, action: Action, surroundings: Surroundings) -> Assessment:
        del surroundings
        if isinstance(action, Run) and action.command == "hang":
            self.released.wait()
        return Assessment(risk="low")


def test_b34_analyzers_are_known_by_name_and_ones_own_by_its_path() -> None:
    assert isinstance(open_analyzer("rules"), Rules)
    assert isinstance(open_analyzer("model"), ModelEstimate)
    own = open_analyzer(f"{__name__}:Careful") if __name__ != "__main__" else Careful()
    assert own.assess(Run(command="ls"), WHERE).risk == "high"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("clever", "there are model, none, rules"),
        ("no.such.module:Thing", "cannot be loaded: ModuleNotFoundError"),
        ("refold.eventlog.risk:Nothing", "cannot be loaded: AttributeError"),
        ("refold.eventlog.risk:dict", "cannot be loaded"),
        ("builtins:dict", "has no `assess`"),
    ],
)
def test_b34_an_unknown_analyzer_is_said_with_what_there_is(name: str, part: str) -> None:
    with pytest.raises(AnalyzerUnknown, match=part):
        check_analyzer(Settings(model=None, workspace="/w", sandbox="local", analyzer=name))


def test_b34_no_analyzer_is_asked_where_no_policy_needs_one() -> None:
    never = Settings(model=None, workspace="/w", sandbox="local")
    check_analyzer(never)
    assert assess_answer(RealAnalysts(), never, read_answer(says("", ("execute_bash", {}))), "") == ()


def test_b34_a_policy_that_asks_for_risks_has_the_rules_tell_them() -> None:
    answer = says("", ("execute_bash", {"command": "sudo ls"}), ("fly", {}), ("think", {"thought": "hm"}))
    found = assess_answer(RealAnalysts(), SETTINGS, read_answer(answer), "")
    assert [each and (each.risk, each.analyzer) for each in found] == [
        ("high", "rules"),
        None,
        ("low", "rules"),
    ]


def test_b34_an_analyzer_that_raises_gives_unknown_with_the_reason() -> None:
    guarded = Guarded("own", Careful())
    first, second = guarded.assess([Run(command="raise"), Run(command="ls")], WHERE)
    assert first == Assessment(
        risk="unknown", reason="the analyzer failed: ValueError: I cannot say", analyzer="own"
    )
    assert second == Assessment(risk="high", reason="1 before it", analyzer="own")


def test_b34_an_analyzer_that_hangs_gives_unknown_and_is_not_asked_until_it_is_back() -> None:
    hanging = Hanging()
    guarded = Guarded("own", hanging, limit_s=0.05)
    before = threading.active_count()
    first, second = guarded.assess([Run(command="ls"), Run(command="hang")], WHERE)
    assert first is not None
    assert second is not None
    assert (first.risk, second.risk) == ("low", "unknown")
    assert "longer than 0.05 s" in second.reason
    (third,) = guarded.assess([Run(command="ls")], WHERE)
    assert third is not None
    assert "still hangs" in third.reason
    assert threading.active_count() == before + 1
    hanging.released.set()
    for thread in threading.enumerate():
        if thread.name == "analyzer own":
            thread.join()
    assert guarded.assess([Run(command="ls")], WHERE)[0] == Assessment(risk="low", analyzer="own")


def test_b34_an_analyzer_that_cannot_be_had_any_more_gives_unknown() -> None:
    gone = Settings(model=None, workspace="/w", sandbox="local", analyzer="no.such.module:Thing")
    answer = says("", ("execute_bash", {"command": "ls"}))
    (found,) = assess_answer(RealAnalysts(), gone, read_answer(answer), "")
    assert found is not None
    assert found.risk == "unknown"
    assert "no.such.module" in found.reason


@pytest.mark.parametrize(
    ("said", "risk"),
    [("LOW", "low"), ("Medium", "medium"), ("high", "high"), ("fine", "unknown"), (3, "unknown")],
)
def test_b34_the_models_own_estimate_is_read_from_its_call(said: object, risk: str) -> None:
    action = Run(command="ls", extra={"security_risk": said})
    assert ModelEstimate().assess(action, WHERE).risk == risk


def test_b34_a_model_that_gives_no_estimate_is_unknown() -> None:
    assert ModelEstimate().assess(Run(command="ls"), WHERE).risk == "unknown"


def test_b34_only_tools_that_touch_the_world_ask_for_an_estimate() -> None:
    offered = {
        tool["function"]["name"]: tool["function"]["parameters"]["properties"]
        for tool in with_estimate(TOOLS)
    }
    assert "security_risk" in offered["execute_bash"]
    assert "security_risk" in offered["str_replace_editor"]
    assert "security_risk" not in offered["finish"]
    assert all("security_risk" not in tool["function"]["parameters"]["properties"] for tool in TOOLS)
    assert all("security_risk" not in tool["function"]["parameters"]["required"] for tool in TOOLS)
