"""The scenarios that come with Refold, by name; `refold simulate --scenario NAME` runs one."""

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import cast

from msgspec.structs import replace

from refold.actors.models.fake import Line, says
from refold.actors.runner.fake import obedient
from refold.eventlog.actions import Action
from refold.eventlog.condensers import ObservationMasking, Pipeline, RecentWindow, Summary
from refold.eventlog.observations import Observation, RunOutput
from refold.eventlog.settings import AgentSettings, MCPServer, Price
from refold.testing.answers import FINISH, LONG, USAGE, costing, recalling, run, small, talkative, task
from refold.testing.recordings import EXAMPLE
from refold.testing.remembering import SmallMemory
from refold.testing.sessions import SETTINGS, SessionScenario
from refold.testing.simulation import Scenario
from refold.testing.writers import WriterScenario

_WORK: tuple[Line, ...] = (
    says("first", run("1")),
    says("", run("2a"), ("think", {"thought": "hm"}), run("2b")),
    says("", FINISH),
)
_MORE: tuple[Line, ...] = tuple(says(f"more {number}", run(f"m{number}"), FINISH) for number in range(12))

STANDARD = SessionScenario(
    name="standard", lines=(*_WORK, *_MORE), verbs=("say", "pause", "stop"), interjections_max=1
)
STEERING = SessionScenario(
    name="steering",
    lines=(*_WORK, *_MORE),
    verbs=("say", "pause", "resume", "stop", "continue", "model", "close"),
    interjections_max=5,
    encores=5,
)
CONFIRMATION = SessionScenario(
    name="confirmation",
    settings=replace(SETTINGS, confirm="always"),
    lines=(*_WORK, *_MORE),
    verbs=("say", "confirm", "confirm", "reject", "pause", "stop"),
    interjections_max=4,
    encores=8,
)
LIMITS = SessionScenario(
    name="limits",
    settings=replace(SETTINGS, iterations_max=2, budget_usd=0.01),
    price=Price(prompt=2.0, completion=4.0),
    lines=tuple(
        replace(
            says("", run(str(number)), *((FINISH,) if number >= LONG else ()), usage=USAGE), cost_usd=0.0024
        )
        for number in range(20)
    ),
    verbs=("say", "continue", "budget"),
    interjections_max=2,
    encores=6,
)
RISKY = SessionScenario(
    name="risky",
    settings=replace(SETTINGS, confirm="risky", analyzer="fake:analyzer"),
    lines=(
        says("", run("1"), run("2"), run("3"), run("4")),
        says("", run("a"), ("think", {"thought": "hm"}), ("fly", {}), run("b"), run("c")),
        says("", FINISH),
        *(says("", *(run(f"r{number}{each}") for each in "abcd"), FINISH) for number in range(12)),
    ),
    verbs=("say", "confirm", "confirm", "reject", "insist", "policy", "pause", "resume", "stop", "close"),
    interjections_max=5,
    encores=8,
)
REPAIRS = SessionScenario(
    name="repairs",
    settings=replace(SETTINGS, repairs_max=2),
    lines=(
        says("", ("fly", {})),
        says("", run("1"), ("fly", {})),
        *(says("", ("fly", {"to": number})) for number in range(4)),
        says("a word"),
        *(says("same", run("again")) for _ in range(6)),
        *_MORE,
    ),
    verbs=("say", "pause"),
    interjections_max=2,
    encores=5,
)


ELSEWHERE = SessionScenario(
    name="elsewhere",
    settings=replace(SETTINGS, sandbox="remote"),
    lines=(*_WORK, *_MORE),
    verbs=("say", "pause", "resume", "stop", "continue", "close"),
    interjections_max=3,
    encores=4,
)
"""The line to the runner is cut, and the runner lives on."""
RECORDING = SessionScenario(
    name="recording",
    settings=replace(SETTINGS, confirm="risky", analyzer="fake:analyzer"),
    lines=_MORE,
    recording=EXAMPLE,
    verbs=("say", "pause", "resume", "stop", "continue", "close"),
    interjections_max=3,
    encores=4,
)


DELEGATING = SessionScenario(
    name="delegating",
    settings=replace(
        SETTINGS,
        model="script:x",
        budget_usd=0.2,
        iterations_max=20,
        agents={
            "helper": AgentSettings(agent="codeact", model="script:helper", iterations_max=4),
            "deep": AgentSettings(agent="codeact", model="script:deep", budget_usd=0.01),
            "lost": AgentSettings(agent="no-such-agent"),
        },
    ),
    price=Price(prompt=2.0, completion=4.0),
    lines=costing(
        says("first", task("helper")),
        says("", run("1"), task("elf"), task("lost"), task("deep"), run("2")),
        says("", FINISH),
        *(says(f"more {number}", task("helper"), FINISH) for number in range(12)),
    ),
    scripts={
        "script:helper": costing(
            says("", run("h1")),
            says("", task("deep"), run("h2")),
            says("", FINISH),
        ),
        "script:deep": costing(says("", run("d1")), says("what now?")),
    },
    verbs=("say", "pause", "resume", "stop", "continue", "close"),
    interjections_max=3,
    versions=60,
    encores=4,
)
INTERRUPTING = replace(
    DELEGATING,
    name="interrupting",
    lines=costing(
        says("first", task("helper")),
        says("", run("1"), task("deep")),
        says("", FINISH),
        *(says(f"more {number}", task("deep"), FINISH) for number in range(12)),
    ),
    interjections_max=6,
    versions_of="family",
    versions=80,
    encores=8,
)
CONDENSING = SessionScenario(
    name="condensing",
    settings=replace(
        SETTINGS,
        condenser=Pipeline(
            condensers=(ObservationMasking(window=4), Summary(messages_max=14, model="script:summary"))
        ),
    ),
    lines=tuple(map(small, range(60))),
    answers=lambda: talkative,
    verbs=("say", "pause", "stop", "continue", "close"),
    interjections_max=3,
    encores=4,
)


REMEMBERING = SessionScenario(
    name="remembering",
    settings=replace(SETTINGS, condenser=RecentWindow(messages_max=12)),
    lines=tuple(map(recalling, range(60))),
    answers=lambda: talkative,
    memory=SmallMemory,
    verbs=("say", "say", "pause", "stop", "close"),
    interjections_max=4,
    encores=4,
)
SERVERS = SessionScenario(
    name="servers",
    settings=replace(
        SETTINGS, mcp=(MCPServer(name="here", command="serve"), MCPServer(name="there", url="http://there"))
    ),
    lines=(
        says("", ("here_do", {"number": 1}), run("1"), ("there_do", {"number": 2})),
        says("", ("here_look", {}), ("nowhere_do", {})),
        says("", FINISH),
        *(says(f"more {number}", ("there_do", {"more": number}), FINISH) for number in range(12)),
    ),
    verbs=("say", "stop", "pause", "close"),
    interjections_max=2,
)
WRITERS = WriterScenario(name="writers")


def _look(path: str) -> tuple[str, dict[str, str]]:
    return "str_replace_editor", {"command": "view", "path": path}


PARALLEL = SessionScenario(
    name="parallel",
    settings=replace(SERVERS.settings, parallel_max=3),
    lines=(
        says("", _look("a"), ("here_look", {"at": 1}), run("1"), _look("b"), ("there_do", {})),
        says("", *(_look(str(number)) for number in range(5)), ("here_look", {"at": 2}), run("2")),
        says("", FINISH),
        *(says(f"more {number}", _look("c"), _look("d"), FINISH) for number in range(12)),
    ),
    verbs=("say", "stop", "pause", "close"),
    interjections_max=2,
)
_SECRET = "s3cr3t-of-the-house"  # noqa: S105 - nobody's


def _leaky(key: str, action: Action) -> Observation:
    """Answer with what nobody may hear of."""
    done = obedient(key, action)
    return replace(done, content=f"{done.content} {_SECRET}") if isinstance(done, RunOutput) else done


STARTING = SessionScenario(
    name="starting",
    task=f"do it with {_SECRET}",
    settings=replace(SETTINGS, secrets=("TOKEN",), repository="/repository"),
    lines=(says(f"it is {_SECRET}", run(f"1 {_SECRET}")), *_WORK[1:], *_MORE),
    verbs=("say", "pause", "resume", "stop", "continue", "close", "close"),
    interjections_max=4,
    versions=36,
    encores=6,
    answers=lambda: _leaky,
    found=(".refold/setup.sh", ".openhands/pre-commit.sh"),
    secrets=(_SECRET,),
)
_EDIT: tuple[str, dict[str, str]] = ("str_replace_editor", {"command": "undo_edit", "path": "a"})
_POLL: tuple[str, dict[str, object]] = ("execute_bash", {"command": "", "is_input": True})
FORKING = replace(
    DELEGATING,
    name="forking",
    settings=replace(DELEGATING.settings, repository="/repository"),
    forks=True,
    found=STARTING.found,
    lines=costing(
        says("first", task("helper"), run("1"), ("think", {"thought": "hm"})),
        says("", ("fly", {}), run("2")),
        says("", FINISH),
        says("", ("reject", {"message": "no"})),
        *(says(f"more {number}", run(f"m{number}"), task("deep"), FINISH) for number in range(12)),
    ),
    scripts={
        "script:helper": costing(says("", run("h1")), says("", task("deep")), says("", FINISH)),
        "script:deep": costing(says("", ("reject", {"message": "no"}))),
    },
    verbs=("say", "say", "pause", "resume", "stop", "continue", "more", "model", "limit", "budget", "close"),
    interjections_max=5,
)
CIRCLES = SessionScenario(
    name="circles",
    lines=(
        *(says("", _EDIT) for _ in range(2)),
        says("", run("1")),
        *(says(f"try {number}", _EDIT) for number in range(3)),
        *(says("", run(each)) for each in "ababa"),
        *(says("", _POLL) for _ in range(5)),
        *(says("", run(each)) for each in "cdcdcd"),
        *(says("", run("again")) for _ in range(3)),
        says("", ("think", {"thought": "hm"})),
        *(says("", run("again"), run("again")) for _ in range(2)),
        *_MORE,
    ),
    verbs=("say", "continue", "pause", "resume", "stop"),
    interjections_max=3,
    encores=8,
)
_FIRST = (STANDARD, STEERING, CONFIRMATION, LIMITS, REPAIRS)
SCENARIOS: dict[str, SessionScenario | WriterScenario] = {
    scenario.name: scenario
    for scenario in (
        *(
            *_FIRST,
            RISKY,
            CIRCLES,
            DELEGATING,
            INTERRUPTING,
            CONDENSING,
            REMEMBERING,
            SERVERS,
            RECORDING,
            PARALLEL,
            STARTING,
            FORKING,
            ELSEWHERE,
        ),
        WRITERS,
    )
}


class ScenarioUnknown(LookupError):
    """Nothing of that name is a scenario; the message says what is."""


IN_A_FILE = " in a file"
"""What a scenario's name ends in where each run keeps its log in a file of LMDB, and not in memory."""


def load(name: str) -> Scenario:
    """Return the scenario of this name: one of ours, or `MODULE:NAME` or `FILE.py:NAME`, one of yours.

    Any of them, with `IN_A_FILE` behind it, keeps its log there. Raises `ScenarioUnknown`.
    """
    if name.endswith(IN_A_FILE):
        return _in_a_file(load(name.removesuffix(IN_A_FILE)))
    if name in SCENARIOS:
        return SCENARIOS[name]
    place, _, attribute = name.rpartition(":")
    if not place:
        known = ", ".join(SCENARIOS)
        raise ScenarioUnknown(
            f"no scenario {name!r}: there are {known}; your own are MODULE:NAME or FILE.py:NAME"
        )
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # Where whoever asks keeps the scenario, and what it imports.
    try:
        module = _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        scenario = cast("Scenario", getattr(module, attribute))
    except (ImportError, OSError, AttributeError, SyntaxError) as error:
        raise ScenarioUnknown(f"no scenario {name!r}: {error}") from error
    if not callable(getattr(scenario, "run", None)):
        raise ScenarioUnknown(f"{name!r} is no scenario: it has no `run`")
    return scenario


def _in_a_file(scenario: Scenario) -> Scenario:
    if not isinstance(scenario, SessionScenario | WriterScenario):
        raise ScenarioUnknown(f"{scenario.name!r} is no SessionScenario: it keeps its log where it likes")
    return replace(scenario, name=scenario.name + IN_A_FILE, disk="lmdb")


def _from_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
