"""What a model is sent, in one canonical shape, and a digest of it that costs only what is new."""

import hashlib
from collections.abc import Mapping
from operator import is_
from typing import Any

import msgspec
from msgspec import Struct

type Message = dict[str, Any]
"""A message of an OpenAI chat. Treat it as frozen: requests share it.

An assistant's message may hold `details`, keyed by provider: what that provider needs to see again. An
adapter takes what is its own and never sends the key itself.
"""

CHARACTERS_PER_TOKEN = 4
_encode = msgspec.json.Encoder(order="deterministic").encode


class Request(Struct, frozen=True, kw_only=True):
    """One question to a model, complete; `digest` names exactly this content."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[dict[str, Any], ...] = ()
    parameters: dict[str, Any] = {}
    digest: str
    characters: int
    """The length of its canonical form, which is what its tokens are estimated from."""


class Transcript:
    """Messages that only ever grow at the end, with their running digest."""

    __slots__ = ("_chain", "_head", "_line", "_size", "messages")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._chain = hashlib.sha256()
        self._size = 0
        self._head: tuple[object, ...] = ()
        self._line = b""
        """The head of the last request, encoded: as a rule the next one has the very same."""

    def append(self, message: Message) -> int:
        """Add a message at the end; return its length."""
        line = _encode(message) + b"\n"
        self.messages.append(message)
        self._chain.update(line)
        self._size += len(line)
        return len(line)

    def request(
        self,
        model: str,
        *,
        system: Message | None,
        tail: list[Message],
        tools: tuple[dict[str, Any], ...],
        parameters: Mapping[str, Any],
    ) -> Request:
        """Return the request of `system`, these messages and the `tail`, which may still change.

        The digest chains the messages first and the head last, so that what was digested once stays so.
        """
        chain = self._chain.copy()
        size = self._size
        head = (system, tools, parameters or None, model)
        if not all(map(is_, head, self._head)) or not self._head:
            said = {"system": system, "tools": tools, "parameters": parameters, "model": model}
            self._head, self._line = head, _encode(said)
        for line in (*map(_encode, tail), b"", self._line):
            chain.update(line + b"\n")
            size += len(line) + 1
        return Request(
            model=model,
            messages=(*(() if system is None else (system,)), *self.messages, *tail),
            tools=tools,
            parameters=dict(parameters),
            digest=chain.hexdigest(),
            characters=size,
        )


def digest_of(request: Request) -> str:
    """Compute a request's digest from its content alone, at the cost of all of it."""
    transcript = Transcript()
    first, *rest = request.messages or ({},)
    system = first if first.get("role") == "system" else None
    for message in rest if system is not None else request.messages:
        transcript.append(message)
    again = transcript.request(
        request.model, system=system, tail=[], tools=request.tools, parameters=request.parameters
    )
    return again.digest


def estimate_tokens(request: Request) -> int:
    """Guess the prompt's tokens, for budgets and for what nobody counted: a quarter of its characters."""
    return -(-request.characters // CHARACTERS_PER_TOKEN)
