"""Both wires against a server that nobody here wrote, faults included."""

import json
from typing import Any

import pytest

from refold.actors.models.port import Model
from refold.actors.models.registry import open_model
from refold.actors.tools.toolbox import TOOLS, Refusal, read_answer
from refold.eventlog.events import Event, MessageReceived, ModelAnswered, ModelFailed, ObservationRecorded
from refold.eventlog.observations import Thought
from refold.eventlog.record import Record
from refold.eventlog.settings import Price
from refold.projections.conversation import Conversation
from refold.projections.request import Message, Request, Transcript
from tests.models.aimock import AIMock

KEY = "sk-very-secret-0123456789"
KEYS = {"OPENAI_API_KEY": KEY, "ANTHROPIC_API_KEY": KEY}
PRICE = Price(prompt=1.0, completion=2.0)
LONG = "A long enough answer to arrive in several pieces, one after the other."


@pytest.fixture(scope="module", params=["openai", "anthropic"])
def model(request: pytest.FixtureRequest, aimock: AIMock) -> Model:
    url = aimock.openai_url if request.param == "openai" else aimock.anthropic_url
    return open_model(f"{request.param}/some-model", base_url=url, price=PRICE, environment=KEYS)


def asked(*messages: Message) -> Request:
    transcript = Transcript()
    for message in messages:
        transcript.append(message)
    system = {"role": "system", "content": "You are a test."}
    return transcript.request("some-model", system=system, tail=[], tools=TOOLS, parameters={})


def record(version: int, event: Event) -> Record:
    return Record(
        position=version,
        stream="s",
        version=version,
        at=0,
        event=event,
        command=str(version),
        epoch=1,
        digest=b"",
    )


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def answering(word: str, **response: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"match": {"userMessage": word}, "response": response}


def failing(word: str, status: int, message: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return answering(word, error={"message": message, "type": "some_error"}, status=status, **more)


def test_a_streamed_answer_arrives_whole_and_in_glimpses(model: Model, aimock: AIMock) -> None:
    counts = {"prompt_tokens": 100, "completion_tokens": 20, "input_tokens": 100, "output_tokens": 20}
    aimock.serve(answering("hello", content=LONG, usage=counts))
    glimpses: list[str] = []
    answer = model.ask(asked(user("hello")), on_glimpse=glimpses.append)
    assert isinstance(answer, ModelAnswered)
    assert answer.content == "".join(glimpses) == LONG
    assert len(glimpses) > 1
    assert answer.finish_reason == "stop"
    assert answer.latency_ns > 0
    assert (answer.usage.prompt, answer.usage.completion) == (100, 20)
    assert answer.cost_usd == pytest.approx(140 / 1e6)


def test_several_tool_calls_arrive_with_their_text(model: Model, aimock: AIMock) -> None:
    calls = [
        {"name": "execute_bash", "arguments": {"command": "ls -l"}, "id": "call_a"},
        {"name": "think", "arguments": {"thought": "what now"}, "id": "call_b"},
    ]
    aimock.serve(answering("go", content="Looking.", toolCalls=calls))
    answer = model.ask(asked(user("go")))
    assert isinstance(answer, ModelAnswered)
    assert answer.content == "Looking."
    assert answer.finish_reason == "tool_calls"
    assert [call.name for call in answer.tool_calls] == ["execute_bash", "think"]
    assert [json.loads(call.arguments) for call in answer.tool_calls] == [
        {"command": "ls -l"},
        {"thought": "what now"},
    ]
    assert len({call.id for call in answer.tool_calls}) == 2


def test_calls_and_results_are_sent_back_in_the_wires_own_shape(model: Model, aimock: AIMock) -> None:
    aimock.serve(answering("and?", content="I see."))
    function = {"name": "execute_bash", "arguments": '{"command": "ls"}'}
    turn: Message = {"role": "assistant", "content": "Looking."}
    turn["tool_calls"] = [{"id": "call:1", "type": "function", "function": function}]
    result = {"role": "tool", "tool_call_id": "call:1", "content": "a.txt"}
    answer = model.ask(asked(user("go"), turn, result, user("and?")))
    assert isinstance(answer, ModelAnswered), answer
    assert answer.content == "I see."
    (entry,) = aimock.requests()
    sent = json.dumps(entry["body"]["messages"])
    assert "a.txt" in sent
    assert sent.count("call_1" if "anthropic" in repr(model).lower() else "call:1") == 2


def test_reasoning_is_kept_and_goes_back_with_the_turn(model: Model, aimock: AIMock) -> None:
    call = {"name": "execute_bash", "arguments": {"command": "ls"}, "id": "call_a"}
    aimock.serve(
        answering("go", content="Looking.", reasoning="I wonder.", toolCalls=[call]),
        answering("and?", content="I see."),
    )
    answer = model.ask(asked(user("go")))
    assert isinstance(answer, ModelAnswered)
    assert answer.reasoning == "I wonder."
    seen = ObservationRecorded(observation=Thought(content="a.txt"), tool_call_id=answer.tool_calls[0].id)
    grown = Conversation()
    stream: tuple[Event, ...] = (MessageReceived(content="go"), answer, seen)
    for version, event in enumerate(stream):
        grown.add(record(version, event))
    grown.add(record(3, MessageReceived(content="and?")))
    later = model.ask(grown.request("some-model"))
    assert isinstance(later, ModelAnswered), later
    sent = json.dumps(aimock.requests()[-1]["body"]["messages"])
    assert "a.txt" in sent
    assert "details" not in sent


def test_a_model_that_takes_tools_on_the_responses_wire_only_is_asked_there(aimock: AIMock) -> None:
    model = open_model("openai/o4-mini", base_url=aimock.openai_url, price=PRICE, environment=KEYS)
    refusal = failing("go", 400, "To use function tools, use /v1/responses")
    refusal["match"]["sequenceIndex"] = 0
    call = {"name": "execute_bash", "arguments": {"command": "ls"}, "id": "call_a"}
    counts = {"input_tokens": 100, "output_tokens": 20}
    aimock.serve(
        refusal,
        answering("go", content="Looking.", reasoning="I wonder.", toolCalls=[call], usage=counts),
        answering("and?", content=LONG),
    )
    answer = model.ask(asked(user("go")))
    assert isinstance(answer, ModelAnswered), answer
    assert (answer.content, answer.reasoning) == ("Looking.", "I wonder.")
    assert [each.name for each in answer.tool_calls] == ["execute_bash"]
    assert answer.finish_reason == "tool_calls"
    assert answer.cost_usd == pytest.approx(140 / 1e6)
    function = {"name": "execute_bash", "arguments": '{"command": "ls"}'}
    turn: Message = {"role": "assistant", "content": "Looking.", "details": answer.details}
    turn["tool_calls"] = [{"id": "call_a", "type": "function", "function": function}]
    result = {"role": "tool", "tool_call_id": "call_a", "content": "a.txt"}
    glimpses: list[str] = []
    later = model.ask(asked(user("go"), turn, result, user("and?")), on_glimpse=glimpses.append)
    assert isinstance(later, ModelAnswered), later
    assert later.content == "".join(glimpses) == LONG
    paths = [entry["path"] for entry in aimock.requests()]
    assert paths == ["/v1/chat/completions", "/v1/responses", "/v1/responses"]
    assert "details" in turn
    assert answer.details["openai"]["model"] == "o4-mini"


def test_a_malformed_call_is_kept_for_the_decider_to_refuse(model: Model, aimock: AIMock) -> None:
    calls = [{"name": "execute_bash", "arguments": "[1]", "id": "call_a"}]
    aimock.serve(answering("go", toolCalls=calls))
    answer = model.ask(asked(user("go")))
    assert isinstance(answer, ModelAnswered), answer
    (refusal,) = read_answer(answer)
    assert isinstance(refusal, Refusal)
    assert refusal.tool_call_id == answer.tool_calls[0].id


def test_a_rate_limit_says_when_to_come_back(model: Model, aimock: AIMock) -> None:
    aimock.serve(failing("hello", 429, "Too many requests", retryAfter=7))
    failure = model.ask(asked(user("hello")))
    assert isinstance(failure, ModelFailed)
    assert (failure.fault, failure.status, failure.retry_after_s) == ("rate_limit", 429, 7.0)
    assert "Too many requests" in failure.message
    assert len(aimock.requests()) == 1


def test_a_server_error_is_one(model: Model, aimock: AIMock) -> None:
    aimock.serve(failing("hello", 500, "It broke"))
    failure = model.ask(asked(user("hello")))
    assert isinstance(failure, ModelFailed)
    assert (failure.fault, failure.status) == ("server", 500)
    assert len(aimock.requests()) == 1


@pytest.mark.parametrize(
    ("status", "message", "fault"),
    [
        (401, "bad key", "authentication"),
        (404, "no such model", "not_found"),
        (400, "This model's maximum context length is 8192 tokens", "context_window"),
        (400, "Your credit balance is too low", "credit"),
        (400, "what is this", "bad_request"),
        (529, "Overloaded", "overloaded"),
    ],
)
def test_refusals_are_classified(model: Model, aimock: AIMock, status: int, message: str, fault: str) -> None:
    aimock.serve(failing("hello", status, message))
    failure = model.ask(asked(user("hello")))
    assert isinstance(failure, ModelFailed)
    assert (failure.fault, failure.status) == (fault, status)


def test_a_connection_dropped_in_the_middle_says_what_was_seen(model: Model, aimock: AIMock) -> None:
    aimock.serve(
        {**answering("hello", content=LONG), "chunkSize": 5, "latency": 20, "truncateAfterChunks": 5}
    )
    failure = model.ask(asked(user("hello")))
    assert isinstance(failure, ModelFailed)
    assert failure.fault == "cut_off"
    assert failure.seen
    assert LONG.startswith(failure.seen)


def test_a_connection_dropped_before_any_answer_is_a_connection_error(model: Model, aimock: AIMock) -> None:
    aimock.serve(answering("hello", content=LONG))
    aimock.fail(disconnectRate=1)
    failure = model.ask(asked(user("hello")))
    assert isinstance(failure, ModelFailed)
    assert failure.fault == "connection"


def test_garbage_instead_of_an_answer_is_a_passing_fault(model: Model, aimock: AIMock) -> None:
    aimock.serve(answering("hello", content=LONG))
    aimock.fail(malformedRate=1)
    failure = model.ask(asked(user("hello")))
    assert isinstance(failure, ModelFailed)
    assert failure.fault in {"connection", "server"}


def test_nothing_is_requested_before_it_is_asked(model: Model, aimock: AIMock) -> None:
    aimock.serve(answering("hello", content=LONG))
    assert repr(model)
    assert aimock.requests() == []


def test_a_server_that_is_not_there_is_a_connection_error() -> None:
    for name in ("openai", "anthropic"):
        url = "http://127.0.0.1:9"
        model = open_model(f"{name}/some-model", base_url=url, price=None, environment=KEYS)
        failure = model.ask(asked(user("hello")))
        assert isinstance(failure, ModelFailed)
        assert failure.fault == "connection"
        assert KEY not in failure.message


def test_a_key_shows_nowhere(model: Model, aimock: AIMock) -> None:
    aimock.serve(failing("hello", 401, f"the key {KEY} is wrong"))
    failure = model.ask(asked(user("hello")))
    assert KEY not in repr(model) + repr(vars(model)) + repr(failure)
