"""What went wrong, in one vocabulary for every provider: from a status, a message or an exception."""

import email.utils
import math
from collections.abc import Mapping

from refold.eventlog.events import FaultClass

_CONTEXT_WINDOW = (
    "context length",
    "context_length",
    "context window",
    "context size",
    "maximum context",
    "prompt is too long",
    "input is too long",
    "input length and `max_tokens` exceed",
    "too many tokens",
    "reduce the length of the messages",
    "exceeds the maximum number of tokens",
    "request_too_large",
)
_CREDIT = (
    "insufficient_quota",
    "exceeded your current quota",
    "credit balance",
    "insufficient credit",
    "billing details",
    "payment required",
)
_CONTENT_POLICY = (
    "content policy",
    "content_policy",
    "content_filter",
    "content management",
    "safety system",
)
_OVERLOADED = ("overloaded", "over capacity", "at capacity", "engine is currently busy")
_RATE_LIMIT = ("rate limit", "rate_limit", "too many requests")

_BY_STATUS: Mapping[int, FaultClass] = {
    401: "authentication",
    402: "credit",
    403: "authentication",
    404: "not_found",
    408: "timeout",
    409: "server",
    413: "context_window",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

_BY_EXCEPTION: Mapping[str, FaultClass] = {
    # Names, not classes: naming the classes would import the clients. The first match up the bases wins.
    "APITimeoutError": "timeout",
    "TimeoutException": "timeout",
    "TimeoutError": "timeout",
    "APIConnectionError": "connection",
    "NetworkError": "connection",
    "RemoteProtocolError": "connection",
    "ProtocolError": "connection",
    "TransportError": "connection",
    "ConnectionError": "connection",
    "JSONDecodeError": "server",
    "DecodingError": "server",
    "APIResponseValidationError": "server",
    "OSError": "connection",
    "AnswerFailed": "server",
    "APIError": "server",
}


def fault_of_status(status: int | None, message: str) -> FaultClass:
    """Classify a refusal by its status, and by its words where statuses are used loosely."""
    words = message.lower()
    if status in (None, 400, 403, 413, 422, 500) and _any_of(_CONTEXT_WINDOW, words):
        return "context_window"
    if status in (None, 400, 403, 429) and _any_of(_CREDIT, words):
        return "credit"
    if status in (None, 400, 403, 422) and _any_of(_CONTENT_POLICY, words):
        return "content_policy"
    if status in (None, 500) and _any_of(_OVERLOADED, words):
        return "overloaded"
    if status is None:
        return "rate_limit" if _any_of(_RATE_LIMIT, words) else "unknown"
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 500 <= status < 600:  # noqa: PLR2004 - the class of statuses that are the server's own fault
        return "server"
    return "bad_request" if 400 <= status < 500 else "unknown"  # noqa: PLR2004 - the class of the caller's


def fault_of_exception(error: BaseException) -> FaultClass:
    """Classify an exception that carries no status by what it is called."""
    for base in type(error).__mro__:
        if base.__name__ in _BY_EXCEPTION:
            return _BY_EXCEPTION[base.__name__]
    return "unknown"


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Return how long a provider asks to be left alone; it may say seconds, milliseconds or a date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or value is None:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _any_of(phrases: tuple[str, ...], words: str) -> bool:
    return any(phrase in words for phrase in phrases)
