"""What servers that merely resemble OpenAI's get wrong, and the answer survives."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from refold.actors.models.openai_chunks import Chunks
from refold.actors.models.openai_responses import responses_arguments
from refold.actors.models.registry import open_model
from refold.actors.models.wire import StreamEnded
from refold.actors.tools.toolbox import TOOLS
from refold.eventlog.events import ModelAnswered
from refold.projections.request import Message, Request, Transcript


def delta(finish_reason: str | None = None, **delta: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"id": "r", "model": "m-1", "choices": [{"delta": delta, "finish_reason": finish_reason}]}


def call(name: str | None = None, arguments: str = "", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"function": {"name": name, "arguments": arguments}, **more}


def answer(*chunks: dict[str, Any]) -> ModelAnswered:
    collected = Chunks()
    for chunk in chunks:
        collected.add(chunk)
    whole = collected.answer("m", None, 0)
    assert isinstance(whole, ModelAnswered)
    return whole


def test_calls_are_put_together_by_their_index() -> None:
    whole = answer(
        delta(tool_calls=[call("ls", '{"a"', index=0, id="c1"), call("cat", "{", index=1, id="c2")]),
        delta(tool_calls=[call(arguments=": 1}", index=0), call(arguments="}", index=1)]),
        delta("tool_calls"),
    )
    assert [(each.id, each.name, each.arguments) for each in whole.tool_calls] == [
        ("c1", "ls", '{"a": 1}'),
        ("c2", "cat", "{}"),
    ]


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    whole = answer(
        delta(tool_calls=[call("ls", "{}", index=0, id="c1")]),
        delta(tool_calls=[call("cat", "{}", index=0, id="c2")]),
        delta("stop"),
    )
    assert [each.name for each in whole.tool_calls] == ["ls", "cat"]


def test_reasoning_usage_and_model_are_kept() -> None:
    whole = answer(
        delta(reasoning="Hm"),
        delta(reasoning_content="m."),
        delta("stop", content="So."),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    assert (whole.reasoning, whole.content, whole.model) == ("Hmm.", "So.", "m-1")
    assert (whole.usage.prompt, whole.usage.completion) == (3, 2)


def test_a_stream_without_an_end_is_no_answer() -> None:
    with pytest.raises(StreamEnded):
        answer(delta(content="So"))


def asked(*messages: Message) -> Request:
    system = {"role": "system", "content": "Be good."}
    return Transcript().request("m", system=system, tail=list(messages), tools=TOOLS, parameters={})


def test_a_server_that_counts_no_tokens_in_streams_is_asked_without() -> None:
    with serving() as (url, bodies):
        model = open_model("openai/m", base_url=url, price=None, environment={})
        for _ in range(2):
            whole = model.ask(asked({"role": "user", "content": "hi"}))
            assert isinstance(whole, ModelAnswered), whole
            assert whole.content == "So."
    assert ["stream_options" in body for body in bodies] == [True, False, False]


def test_sealed_reasoning_goes_back_in_its_place_to_the_model_that_gave_it() -> None:
    sealed: dict[str, Any] = {"type": "reasoning", "id": "rs", "encrypted_content": "x", "summary": []}
    parts: list[dict[str, Any]] = [sealed, {"type": "call", "call": 0}, {"type": "text", "text": "So."}]
    function = {"name": "ls", "arguments": "{}"}
    turn: Message = {
        "role": "assistant",
        "content": "So.",
        "details": {"openai": {"model": "m", "items": parts}},
    }
    turn["tool_calls"] = [{"id": "c1", "type": "function", "function": function}]
    result = {"role": "tool", "tool_call_id": "c1", "content": "a.txt"}
    arguments = responses_arguments(asked({"role": "user", "content": "go"}, turn, result), "m")
    text, called = (
        {"role": "assistant", "content": "So."},
        {"type": "function_call", "call_id": "c1", **function},
    )
    output = {"type": "function_call_output", "call_id": "c1", "output": "a.txt"}
    assert arguments["instructions"] == "Be good."
    assert arguments["store"] is False
    assert arguments["input"] == [{"role": "user", "content": "go"}, sealed, called, text, output]
    assert responses_arguments(asked(turn, result), "another")["input"] == [text, called, output]


@contextmanager
def serving() -> Generator[tuple[str, list[dict[str, Any]]]]:
    """Serve a stream to whoever asks without `stream_options`, and a refusal to others."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            bodies.append(body)
            if "stream_options" in body:
                text, kind, status = json.dumps({"error": {"message": "stream_options?"}}), "json", 400
            else:
                chunk = json.dumps(delta("stop", content="So."))
                text, kind, status = f"data: {chunk}\n\ndata: [DONE]\n\n", "event-stream", 200
            self.send_response(status)
            self.send_header("Content-Type", f"text/{kind}" if status == 200 else f"application/{kind}")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base names it

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", bodies
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
