"""The argument with which a model is asked for its own estimate of a call."""

from collections.abc import Sequence
from typing import Any

_UNASKED = frozenset({"think", "finish", "reject", "delegate"})
_ESTIMATE: dict[str, Any] = {
    "type": "string",
    "enum": ["LOW", "MEDIUM", "HIGH"],
    "description": "Your honest estimate of the risk of this call. LOW: it reads, or changes files of the "
    "workspace that can be had again. MEDIUM: it deletes, installs, uses the network, or changes what lies "
    "outside the workspace. HIGH: it escalates rights, sends data away, or does what cannot be undone.",
}


def with_estimate(tools: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Return the tools, each that touches the world with the optional argument `security_risk`."""
    return tuple(_with_estimate(tool) for tool in tools)


def _with_estimate(tool: dict[str, Any]) -> dict[str, Any]:
    function: dict[str, Any] = tool.get("function", {})
    if function.get("name") in _UNASKED:
        return tool
    parameters: dict[str, Any] = function.get("parameters", {})
    properties = {**parameters.get("properties", {}), "security_risk": _ESTIMATE}
    return {**tool, "function": {**function, "parameters": {**parameters, "properties": properties}}}
