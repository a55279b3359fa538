"""How a start follows the facts."""

from typing import get_args

from msgspec.structs import replace

from refold.actors.security.names import is_own
from refold.actors.start.state import Start
from refold.actors.start.steps import HOOKS, SETUP, in_order
from refold.eventlog.events import Event, RuntimeConnected, SessionForked, SessionStarted
from refold.eventlog.settings import Settings
from refold.eventlog.starting import RuntimeReleased, StartEnded, StartStep, StartStepEnded

type Concerning = (
    SessionStarted | SessionForked | RuntimeConnected | StartStepEnded | StartEnded | RuntimeReleased
)
"""What changes a start; every other event leaves it as it is."""
CONCERNING = frozenset[type[Event]](get_args(Concerning.__value__))


def evolve(state: Start, event: Concerning) -> Start:
    match event:
        case SessionStarted(settings=settings):
            return replace(state, owed=in_order(_asked(settings)))
        case SessionForked():
            return replace(state, setup_in=None, releasing=False)
        case RuntimeConnected(found=()) if not state.owed and not state.took:
            return state
        case RuntimeConnected(incarnation=incarnation, found=found):
            owed = set(state.owed) - {"setup"} | _called_for(state, found, incarnation)
            took = _took(state, "runtime", event.seconds)
            restored = (*state.restored, "runner") if event.resumed else state.restored
            return replace(state, owed=in_order(owed), took=took, restored=restored)
        case StartStepEnded(outcome="failed"):
            return replace(state, failures=state.failures + 1, releasing=True)
        case StartStepEnded(step=step, found=found, incarnation=incarnation):
            owed = set(state.owed) - {step} | _called_for(state, found, incarnation)
            setup_in = incarnation if step == "setup" else state.setup_in
            took = _took(state, step, event.seconds)
            return replace(state, owed=in_order(owed), took=took, setup_in=setup_in)
        case StartEnded():
            return replace(state, restored=())
        case RuntimeReleased():
            return replace(state, releasing=False)


def _asked(settings: Settings) -> set[StartStep]:
    """Return the steps that the settings ask for."""
    asked = set[StartStep]()
    if settings.secrets:
        asked.add("secrets")
    if is_own(settings.analyzer_in_force):  # One of ours is there, or the start ends without trying.
        asked.add("analyzer")
    if settings.repository is not None:
        asked.add("repository")
    return asked


def _called_for(state: Start, found: tuple[str, ...], incarnation: str | None) -> set[StartStep]:
    """Return the steps that scripts in the workspace ask for: a sandbox is set up once, hooks stay."""
    called = set[StartStep]()
    if not set(SETUP).isdisjoint(found) and (incarnation is None or incarnation != state.setup_in):
        called.add("setup")
    if not set(HOOKS).isdisjoint(found) and "hooks" not in dict(state.took):
        called.add("hooks")
    return called


def _took(state: Start, step: str, seconds: float) -> tuple[tuple[str, float], ...]:
    return tuple((dict(state.took) | {step: seconds}).items())
