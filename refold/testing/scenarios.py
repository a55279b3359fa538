"""The scenarios that come with Refold, by name; `refold simulate --scenario NAME` runs one."""

from msgspec.structs import replace

from refold.actors.models.fake import Line, says
from refold.eventlog.events import Usage
from refold.eventlog.settings import Price
from refold.testing.sessions import SETTINGS, SessionScenario


def _run(token: str) -> tuple[str, dict[str, str]]:
    return "execute_bash", {"command": f"echo {token} >> tokens"}


FINISH: tuple[str, dict[str, str]] = ("finish", {"message": "done"})
LONG = 7
_USAGE = Usage(prompt=1000, completion=100)
_WORK: tuple[Line, ...] = (
    says("first", _run("1")),
    says("", _run("2a"), ("think", {"thought": "hm"}), _run("2b")),
    says("", FINISH),
)
_MORE: tuple[Line, ...] = tuple(says(f"more {number}", _run(f"m{number}"), FINISH) for number in range(12))

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
        says("", _run(str(number)), *((FINISH,) if number >= LONG else ()), usage=_USAGE)
        for number in range(20)
    ),
    verbs=("say", "continue", "budget"),
    interjections_max=2,
    encores=6,
)
REPAIRS = SessionScenario(
    name="repairs",
    settings=replace(SETTINGS, repairs_max=2),
    lines=(
        says("", ("fly", {})),
        says("", _run("1"), ("fly", {})),
        *(says("", ("fly", {"to": number})) for number in range(4)),
        says("a word"),
        *(says("same", _run("again")) for _ in range(6)),
        *_MORE,
    ),
    verbs=("say", "pause"),
    interjections_max=2,
    encores=5,
)
SCENARIOS: dict[str, SessionScenario] = {
    scenario.name: scenario for scenario in (STANDARD, STEERING, CONFIRMATION, LIMITS, REPAIRS)
}
