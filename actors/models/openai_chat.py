"""The OpenAI wires: chat completions, which every server speaks, and responses where it asks for them."""

import threading
import time
from typing import Any

from refold.actors.models.openai_chunks import Chunks
from refold.actors.models.openai_responses import Responses, asks_for_responses, responses_arguments
from refold.actors.models.port import OnGlimpse
from refold.actors.models.wire import CONNECT_TIMEOUT_S, SILENCE_TIMEOUT_S, Secret, failure_of
from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.eventlog.settings import Price
from refold.projections.request import Message, Request

_BASE_URL = "https://api.openai.com/v1"
_NO_STREAM_OPTIONS = frozenset({400, 404, 422, 501})


class OpenAIChatModel:
    """`openai/NAME`. The client is imported and made by the first call; it never tries again by itself.

    What a server will not have is learnt from its refusal, once: token counts in a stream, or tools on this
    wire at all. Then the same call goes out in the form that it asks for.
    """

    def __init__(self, name: str, *, base_url: str | None, key: str, price: Price | None) -> None:
        self._name = name
        self._base_url = base_url or _BASE_URL
        self._secret = Secret(key)
        self._price = price
        self._lock = threading.Lock()
        self._client: Any = None
        self._counts_usage = True
        self._wants_responses = False

    def __repr__(self) -> str:
        return f"OpenAIChatModel({self._name!r})"

    def ask(
        self, request: Request, *, script_line: int = 0, on_glimpse: OnGlimpse | None = None
    ) -> ModelAnswered | ModelFailed:
        del script_line  # a script's business only
        collected: Chunks | Responses = Chunks()
        try:
            self._opened_client()  # before the clock starts: importing it takes longer than many an answer
            started = time.monotonic_ns()
            opened = self._opened(request)
            collected = Responses() if self._wants_responses else collected
            with opened as stream:
                for event in stream:
                    text = collected.add(event.model_dump())
                    if text and on_glimpse is not None:
                        on_glimpse(text)
            return collected.answer(self._name, self._price, time.monotonic_ns() - started)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong here is a fact about this call
            return failure_of(error, seen=collected.seen, secret=self._secret)

    def _opened(self, request: Request) -> Any:  # noqa: ANN401 - the client's stream, unimported
        if not self._wants_responses:
            try:
                return self._opened_chat(request)
            except Exception as error:
                if not asks_for_responses(error):
                    raise
                self._wants_responses = True
        return self._opened_client().responses.create(**responses_arguments(request, self._name))

    def _opened_chat(self, request: Request) -> Any:  # noqa: ANN401 - the client's stream, unimported
        """Open the stream, with token counts unless this server will not have them."""
        arguments: dict[str, Any] = {
            **request.parameters,
            "model": self._name,
            "messages": [_sent(message) for message in request.messages],
            "stream": True,
        }
        if request.tools:
            arguments["tools"] = list(request.tools)
        create = self._opened_client().chat.completions.create
        if not self._counts_usage:
            return create(**arguments)
        try:
            return create(**arguments, stream_options={"include_usage": True})
        except Exception as error:
            status = getattr(error, "status_code", None)
            if status not in _NO_STREAM_OPTIONS or "stream_options" not in str(error):
                raise
            self._counts_usage = False
            return create(**arguments)

    def _opened_client(self) -> Any:  # noqa: ANN401 - naming the client's type would import it
        with self._lock:
            if self._client is None:
                import openai  # noqa: PLC0415 - a second of import time, spent only where it is used

                self._client = openai.OpenAI(
                    api_key=self._secret.reveal(),
                    base_url=self._base_url,
                    max_retries=0,
                    timeout=openai.Timeout(SILENCE_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                )
            return self._client


def _sent(message: Message) -> Message:
    """Return a message without what only another provider understands."""
    return {key: value for key, value in message.items() if key != "details"}
