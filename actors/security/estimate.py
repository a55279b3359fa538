"""The model's own estimate of what it wants to do: asked for with each call, and no more than advice."""

from refold.actors.security.port import Surroundings
from refold.eventlog.actions import Action, Delegate, Finish, Message, Reject, Think
from refold.eventlog.risk import Assessment, Risk

ARGUMENT = "security_risk"
_RISKS: dict[str, Risk] = {"low": "low", "medium": "medium", "high": "high", "unknown": "unknown"}


class ModelEstimate:
    """Reads the argument that `with_estimate` adds to the tools; what has none is unknown."""

    def assess(self, action: Action, surroundings: Surroundings) -> Assessment:
        del surroundings
        if isinstance(action, Delegate | Think | Finish | Reject | Message):
            return Assessment(risk="low", reason="touches nothing")
        said = action.extra.get(ARGUMENT)
        risk = _RISKS.get(str(said).strip().lower()) if said is not None else None
        if risk is None:
            heard = "gave no estimate" if said is None else f"said {str(said)[:40]!r}, which is no risk"
            return Assessment(risk="unknown", reason=f"the model {heard}")
        return Assessment(risk=risk, reason="the model's own estimate")
