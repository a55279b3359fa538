"""What went wrong is named in one vocabulary, whoever says it and however."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refold.actors.models.faults import fault_of_exception, fault_of_status, retry_after_s
from refold.actors.models.retry import PASSING, delay_s, is_retried
from refold.actors.models.wire import AnswerFailed, Secret, StreamEnded, failure_of

NOON = 1_700_000_000.0


@pytest.mark.parametrize(
    ("status", "message", "fault"),
    [
        (400, "'messages' must be a list", "bad_request"),
        (400, "This model's maximum context length is 128000 tokens.", "context_window"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", "context_window"),
        (400, "Your credit balance is too low to access the API", "credit"),
        (400, "flagged by our content management policy", "content_policy"),
        (401, "Incorrect API key", "authentication"),
        (402, "", "credit"),
        (403, "You may not", "authentication"),
        (404, "The model does not exist", "not_found"),
        (408, "", "timeout"),
        (413, "", "context_window"),
        (429, "Rate limit reached; add a payment method in the billing page to raise it", "rate_limit"),
        (429, "Too many tokens, please wait before trying again", "rate_limit"),
        (429, "You exceeded your current quota (insufficient_quota)", "credit"),
        (500, "", "server"),
        (500, "the request exceeds the available context size", "context_window"),
        (502, "", "server"),
        (503, "", "overloaded"),
        (504, "", "timeout"),
        (529, "Overloaded", "overloaded"),
        (None, "Overloaded (overloaded_error)", "overloaded"),
        (None, "it just did not work", "unknown"),
    ],
)
def test_b30_a_refusal_is_classified_by_its_status_and_its_words(
    status: int | None, message: str, fault: str
) -> None:
    assert fault_of_status(status, message) == fault


@given(st.integers(min_value=100, max_value=599), st.text())
def test_every_refusal_has_a_class(status: int, message: str) -> None:
    assert fault_of_status(status, message)


def test_an_exception_is_classified_by_what_it_is_called() -> None:
    class APITimeoutError(Exception): ...

    class ReadTimedOut(APITimeoutError): ...

    assert fault_of_exception(ReadTimedOut()) == "timeout"
    assert fault_of_exception(ConnectionResetError()) == "connection"
    assert fault_of_exception(KeyError()) == "unknown"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.2"}, 0.2),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"retry-after": "Mon, 13 Nov 2023 22:13:50 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_b30_retry_after_may_be_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOON) == seconds


def test_b30_only_faults_that_pass_by_themselves_are_retried() -> None:
    assert {fault for fault in PASSING if is_retried(fault)} == PASSING
    assert not is_retried("authentication")
    assert not is_retried("script_exhausted")


@given(
    attempt=st.integers(min_value=1, max_value=10_000),
    asked=st.floats(min_value=0, max_value=3600),
    draw=st.floats(min_value=0, max_value=1),
)
def test_b30_nobody_comes_back_earlier_than_asked(attempt: int, asked: float, draw: float) -> None:
    assert delay_s(attempt, asked, draw) >= asked


@given(draw=st.floats(min_value=0, max_value=1))
def test_b30_without_a_word_from_the_provider_the_wait_doubles_up_to_a_minute(draw: float) -> None:
    waits = [delay_s(attempt, None, draw) for attempt in range(1, 12)]
    assert waits == sorted(waits)
    assert 0.5 <= waits[0] <= 1
    assert waits[1] == 2 * waits[0]
    assert waits[-1] <= 60


class APIError(Exception):
    """Named as the clients name what they find inside a stream."""

    def __init__(self, message: str, **attributes: object) -> None:
        super().__init__(message)
        vars(self).update(attributes)


@pytest.mark.parametrize(
    ("error", "seen", "fault"),
    [
        (StreamEnded(), "", "connection"),
        (StreamEnded(), "so f", "cut_off"),
        (AnswerFailed("it broke (server_error)"), "", "server"),
        (AnswerFailed("too long (context_length_exceeded)"), "so f", "context_window"),
        (APIError("?", body={"error": {"message": "Busy", "type": "overloaded_error"}}), "", "overloaded"),
        (APIError("?", body={"message": "Busy", "code": 429}), "so f", "rate_limit"),
        (APIError("?", status_code=200, body={"error": {"type": "api_error"}}), "", "server"),
        (APIError("?", status_code=503), "", "overloaded"),
        (TimeoutError(), "so f", "cut_off"),
    ],
)
def test_a_stream_that_breaks_says_how(error: Exception, seen: str, fault: str) -> None:
    failure = failure_of(error, seen=seen, secret=Secret("sk"))
    assert (failure.fault, failure.seen) == (fault, seen)


def test_a_secret_shows_neither_itself_nor_in_a_failure() -> None:
    secret = Secret("sk-0123456789")
    failure = failure_of(ValueError("bad key sk-0123456789"), seen="I am sk-0123456789", secret=secret)
    assert "sk-0123456789" not in f"{secret!r} {failure!r}"
    assert failure.message == "bad key ***"
