"""What to do about an action started before a crash: collect, wait, send, or admit that nobody knows."""

from typing import Literal

from refold.actors.runner.runner import KeyState, OnGlimpse, Runner
from refold.actors.runtime.port import UNKNOWN
from refold.eventlog.actions import Action
from refold.eventlog.observations import Observation

type Recovery = Literal["wait", "send", "unknown"]


def recover(state: KeyState, *, same_incarnation: bool) -> Recovery:
    """Decide about a key without a result; only the same incarnation knows that it never began."""
    match state:
        case "running" | "accepted":
            return "wait" if same_incarnation else "unknown"
        case "unknown":
            return "send" if same_incarnation else "unknown"
        case "acknowledged":
            return "unknown"


def collect_or_execute(  # noqa: PLR0913 - an action, where it began, and who looks on
    runner: Runner,
    key: str,
    digest: str,
    action: Action,
    started_incarnation: str,
    *,
    on_glimpse: OnGlimpse | None = None,
) -> Observation:
    """Bring an action that was started to its one answer, whatever happened in between."""
    known = runner.ask(key)
    if not isinstance(known, str):
        return runner.execute(key, digest, action)  # Collects it, and has the digest compared.
    match recover(known, same_incarnation=runner.incarnation == started_incarnation):
        case "wait" | "send":
            return runner.execute(key, digest, action, on_glimpse=on_glimpse)
        case "unknown":
            return UNKNOWN
