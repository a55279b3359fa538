"""What a person can do about a session that ended in an error: what `continue` mends, and what it cannot."""

from refold.actors.agents.registry import missing
from refold.actors.security.names import is_own, no_analyzer
from refold.actors.session.state import State
from refold.eventlog.events import FaultClass, ModelFailed
from refold.eventlog.log import EventLog

_REACHING_BACK = 2
"""Facts that may stand between a model's failure and the error that it led to, the error included."""


def onward(session: str, state: State, fault: FaultClass | None) -> str:
    """Return what to do next; `fault` is the model's, where that is what the session failed of."""
    if not state.life.greeted:
        return _started(session, state)
    if state.agent.over_budget:  # Which no message extends.
        return f"go on with: refold continue {session}"
    match fault:
        case "authentication" | "credit":
            return f"once its key and its credit are good, go on with: refold continue {session}"
        case "not_found" | "bad_request" | "script_exhausted":
            return f'go on with another model: refold resume {session} --model M --message "…"'
        case "content_policy":
            return f'say it in another way: refold say {session} "…"'
        case _:
            return f"go on with: refold continue {session}, or say something"


def fault_of(log: EventLog, session: str, state: State) -> FaultClass | None:
    """Return which fault of a model brought about the error that the session is in, if one did."""
    version = state.agent.state_version
    records = log.read(session, after=version - 1 - _REACHING_BACK, until=version, check=False)
    faults: list[FaultClass] = [
        record.event.fault for record in records if isinstance(record.event, ModelFailed)
    ]
    return faults[-1] if faults and state.agent.state == "error" else None


def _started(session: str, state: State) -> str:
    """Return what to do about a start that failed: what it was told to be stays as it is recorded."""
    settings, again = state.life.settings, f"refold continue {session}"
    if settings is None:
        return f"go on with: {again}"
    if missing(settings.agent, settings.role) is not None:
        return "it cannot go on; start another session with an agent that is there: refold run --agent NAME"
    step = next(iter(state.start.owed), None)
    analyzer = settings.analyzer_in_force
    if no_analyzer(analyzer) is not None or (step == "analyzer" and is_own(analyzer)):
        return f'go on with another analyzer: refold resume {session} --analyzer rules --message "…"'
    match step:
        case "repository" if state.hands.failure is None:
            return (
                f"once it can be cloned, go on with: {again}; another repository or branch takes another "
                "session: refold run --repo URL|PATH --branch B"
            )
        case "setup" if state.hands.failure is None:
            return f"mend the script in {settings.workspace}, then go on with: {again}"
        case _:
            return (
                f"once its sandbox, {settings.sandbox}, works, go on with: {again}; another sandbox takes "
                "another session: refold run --sandbox …"
            )
