"""A script answers with the line that the log says, and says clearly when it cannot."""

import json
from pathlib import Path

import pytest

from refold.actors.models.fake import ScriptedModel, says
from refold.actors.models.port import Model, ModelUnavailable
from refold.actors.models.registry import open_model
from refold.actors.models.script import script_digest
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.settings import Price
from refold.eventlog.usage import Usage
from refold.projections.request import Request, Transcript

ANSWER = {
    "id": "r1",
    "object": "chat.completion",
    "model": "recorded-model",
    "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
}
RATE_LIMITED = {"error": {"status": 429, "retry_after": 0.2, "message": "slow down"}}


def request() -> Request:
    return Transcript().request("script", system=None, tail=[], tools=(), parameters={})


def script(path: Path, *lines: object, price: Price | None = None) -> Model:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return open_model(f"script:{path}", base_url=None, price=price, environment={})


def test_each_line_answers_one_call(tmp_path: Path) -> None:
    model = script(tmp_path / "s.jsonl", ANSWER, RATE_LIMITED, ANSWER)
    first, second = (model.ask(request(), script_line=line) for line in (0, 1))
    assert isinstance(first, ModelAnswered)
    assert (first.content, first.model, first.response_id) == ("Hello", "recorded-model", "r1")
    assert first.usage == Usage(prompt=10, completion=2, cached=4)
    assert first.cost_usd is None
    assert second == ModelFailed(fault="rate_limit", message="slow down", status=429, retry_after_s=0.2)
    assert model.ask(request(), script_line=0) == first


def test_a_script_that_has_run_out_says_so(tmp_path: Path) -> None:
    model = script(tmp_path / "s.jsonl", ANSWER)
    failure = model.ask(request(), script_line=1)
    assert isinstance(failure, ModelFailed)
    assert failure.fault == "script_exhausted"
    assert "s.jsonl has 1 lines" in failure.message


def test_a_price_makes_a_script_cost_something(tmp_path: Path) -> None:
    model = script(tmp_path / "s.jsonl", ANSWER, price=Price(prompt=1.0, completion=2.0, cached=0.5))
    answer = model.ask(request())
    assert isinstance(answer, ModelAnswered)
    assert answer.cost_usd == pytest.approx((6 * 1.0 + 4 * 0.5 + 2 * 2.0) / 1e6)


def test_blank_lines_are_no_lines_and_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text("\ufeff\n" + json.dumps(ANSWER) + "\n\n" + json.dumps(RATE_LIMITED))
    model = open_model(f"script:{path}", base_url=None, price=None, environment={})
    assert isinstance(model.ask(request(), script_line=1), ModelFailed)


@pytest.mark.parametrize("line", ["{", "[1]", "{}", '"text"', '{"choices": [', "\xff"])
def test_a_line_that_is_no_answer_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(json.dumps(ANSWER).encode() + b"\n" + line.encode("latin-1") + b"\n")
    with pytest.raises(ModelUnavailable, match=r"s\.jsonl, line 2"):
        open_model(f"script:{path}", base_url=None, price=None, environment={})


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"nowhere\.jsonl cannot be read"):
        open_model(f"script:{tmp_path / 'nowhere.jsonl'}", base_url=None, price=None, environment={})


def test_two_scripts_have_two_digests(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    script(one, ANSWER)
    script(other, ANSWER, ANSWER)
    assert script_digest(one) != script_digest(other)
    script(other, ANSWER)
    assert script_digest(one) == script_digest(str(other))


@pytest.mark.parametrize(
    ("completion", "content"),
    [
        ({"choices": []}, ""),
        ({"choices": None}, ""),
        ({"choices": [{"message": None}]}, ""),
        ({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}, "ab"),
    ],
)
def test_an_answer_is_read_leniently(tmp_path: Path, completion: object, content: str) -> None:
    answer = script(tmp_path / "s.jsonl", completion).ask(request())
    assert isinstance(answer, ModelAnswered)
    assert (answer.content, answer.tool_calls) == (content, ())


def test_calls_without_ids_or_with_the_same_one_are_told_apart(tmp_path: Path) -> None:
    function = {"name": "think", "arguments": {"thought": "x"}}
    calls = [{"id": "a", "function": function}, {"id": "a", "function": function}, {"function": function}]
    answer = script(tmp_path / "s.jsonl", {"choices": [{"message": {"tool_calls": calls}}]}).ask(request())
    assert isinstance(answer, ModelAnswered)
    assert len({call.id for call in answer.tool_calls}) == 3
    assert answer.tool_calls[0].id == "a"
    assert json.loads(answer.tool_calls[0].arguments) == {"thought": "x"}


def test_the_fake_answers_as_a_script_does_and_remembers_what_it_was_asked() -> None:
    glimpses: list[str] = []
    model = ScriptedModel([says("one", ("think", {"thought": "x"})), lambda asked: says(asked.model)])
    first = model.ask(request(), on_glimpse=glimpses.append)
    assert isinstance(first, ModelAnswered)
    assert first.tool_calls[0].name == "think"
    assert glimpses == ["one"]
    second = model.ask(request(), script_line=1)
    assert isinstance(second, ModelAnswered)
    assert second.content == "script"
    assert isinstance(model.ask(request(), script_line=2), ModelFailed)
    assert len(model.requests) == 3
