"""What both wires share: failures made into facts, without a secret in them."""

import time
from collections.abc import Mapping
from typing import Any, cast

from refold.actors.models.faults import fault_of_exception, fault_of_status, retry_after_s
from refold.eventlog.events import FaultClass, ModelFailed

CONNECT_TIMEOUT_S = 20.0
SILENCE_TIMEOUT_S = 300.0
"""How long a server may send nothing at all before it counts as gone."""

_MESSAGE_CHARACTERS_MAX = 2_000
_FIRST_ERROR = 400
_VAGUE: frozenset[FaultClass] = frozenset({"server", "unknown"})
_CUT: frozenset[FaultClass] = frozenset({"connection", "timeout", "server", "unknown"})


class Secret:
    """A key that shows itself to nobody but its user: not in a repr, not in an error."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> str:
        return self._value

    def scrubbed(self, text: str) -> str:
        return text.replace(self._value, "***") if self._value else text


class StreamEnded(Exception):
    """A stream ended before its answer did, and said nothing about it."""


class AnswerFailed(Exception):
    """The provider said inside its stream that it failed."""


def failure_of(error: Exception, *, seen: str, secret: Secret) -> ModelFailed:
    """Return the fact of a failed call; `seen` is what had arrived before it failed."""
    status = getattr(error, "status_code", None)
    status = status if isinstance(status, int) and status >= _FIRST_ERROR else None
    message = _message_of(error)
    fault = _fault_of(error, status, message)
    if seen and fault in _CUT:
        fault = "cut_off"
    response = getattr(error, "response", None)
    headers = cast("Mapping[str, str]", getattr(response, "headers", {}))
    return ModelFailed(
        fault=fault,
        message=secret.scrubbed(message)[:_MESSAGE_CHARACTERS_MAX],
        status=status,
        retry_after_s=retry_after_s(headers, time.time()),
        seen=secret.scrubbed(seen),
    )


def _fault_of(error: Exception, status: int | None, message: str) -> FaultClass:
    if isinstance(error, StreamEnded):
        return "connection"
    if status is not None:
        return fault_of_status(status, message)
    by_name = fault_of_exception(error)
    if by_name not in _VAGUE:
        return by_name
    by_words = fault_of_status(_status_in(getattr(error, "body", None)), message)
    return by_name if by_words == "unknown" else by_words


def _status_in(body: object) -> int | None:
    """Return the status that an error inside a stream carries as its code."""
    code = cast("Mapping[str, Any]", body).get("code") if isinstance(body, Mapping) else None
    return code if isinstance(code, int) and code >= _FIRST_ERROR else None


def _message_of(error: Exception) -> str:
    """Return what the provider said, its error type and code included, else what the exception says."""
    body: object = getattr(error, "body", None)
    if isinstance(body, Mapping):
        outer = cast("Mapping[str, Any]", body)
        inner = outer.get("error", outer)
        if isinstance(inner, Mapping):
            fields = cast("Mapping[str, Any]", inner)
            kinds = [str(fields[key]) for key in ("type", "code") if fields.get(key)]
            if fields.get("message"):
                return f"{fields['message']}" + (f" ({', '.join(dict.fromkeys(kinds))})" if kinds else "")
    reason = str(error) or type(error).__name__
    cause = error.__cause__
    if cause is None or body or str(cause) in reason:
        return reason
    return f"{reason} ({type(cause).__name__}: {cause})"
