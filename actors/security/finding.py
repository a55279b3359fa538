"""What a rule finds in an action, and how findings come to one assessment."""

from collections.abc import Iterable

from msgspec import Struct

from refold.eventlog.risk import Assessment, Risk

_REASONS_MAX = 4


class Finding(Struct, frozen=True):
    risk: Risk
    reason: str


def high(reason: str) -> Finding:
    return Finding("high", reason)


def medium(reason: str) -> Finding:
    return Finding("medium", reason)


def low(reason: str) -> Finding:
    return Finding("low", reason)


def unknown(reason: str) -> Finding:
    return Finding("unknown", reason)


def weigh(findings: Iterable[Finding]) -> Assessment:
    """Return the highest risk with its reasons; what is medium in one part and unknown in another is high.

    So no policy that would ask about either of the parts lets them pass together.
    """
    found = tuple(dict.fromkeys(findings))
    risks = {finding.risk for finding in found}
    if "high" in risks:
        return _said("high", found, {"high"})
    if risks >= {"medium", "unknown"}:
        return _said("high", found, {"medium", "unknown"})
    for risk in ("medium", "unknown", "low"):
        if risk in risks:
            return _said(risk, found, {risk})
    return Assessment(risk="low")


def _said(risk: Risk, found: tuple[Finding, ...], risks: set[Risk]) -> Assessment:
    reasons = [finding.reason for finding in found if finding.risk in risks]
    more = f"; and {len(reasons) - _REASONS_MAX} more" if len(reasons) > _REASONS_MAX else ""
    return Assessment(risk=risk, reason="; ".join(reasons[:_REASONS_MAX]) + more)
