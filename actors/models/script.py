"""A model that reads its answers from a file: for demos, tests and replays; no key, no network, no cost.

JSON Lines: each line a `chat.completion` object, or `{"error": {"status": …, "retry_after": …,
"message": …}}` for a call that fails. Which line is next is for the log to know.
"""

import hashlib
from codecs import BOM_UTF8
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

import msgspec

from refold.actors.models.completion import answer_of
from refold.actors.models.faults import fault_of_status
from refold.actors.models.port import ModelUnavailable, OnGlimpse
from refold.eventlog.events import FaultClass, ModelAnswered, ModelFailed
from refold.eventlog.settings import Price
from refold.projections.request import Request

type Line = Mapping[str, Any]

_FAULTS: frozenset[str] = frozenset(get_args(FaultClass.__value__))


class ScriptModel:
    """Answers with the line that it is told to; the file is read once, when the model is opened."""

    def __init__(self, path: Path, *, price: Price | None = None) -> None:
        self._path = path
        self._price = price
        self._lines = read_script(path)

    def __repr__(self) -> str:
        return f"ScriptModel({str(self._path)!r}, {len(self._lines)} lines)"

    def ask(
        self, request: Request, *, script_line: int = 0, on_glimpse: OnGlimpse | None = None
    ) -> ModelAnswered | ModelFailed:
        if not 0 <= script_line < len(self._lines):
            return ModelFailed(
                fault="script_exhausted",
                message=f"the script {self._path} has {len(self._lines)} lines, all used: "
                f"there is no answer for call {script_line + 1}",
            )
        line = self._lines[script_line]
        if "error" in line:
            return _failure(line["error"])
        answer = answer_of(line, model=request.model, price=self._price)
        if on_glimpse is not None and answer.content:
            on_glimpse(answer.content)
        return answer


def read_script(path: Path) -> tuple[Line, ...]:
    """Return the lines of a script, the blank ones left out; raise `ModelUnavailable` naming a bad one."""
    lines: list[Line] = []
    for number, text in enumerate(_bytes_of(path).removeprefix(BOM_UTF8).splitlines(), start=1):
        if not text.strip():
            continue
        try:
            line: object = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ModelUnavailable(f"script {path}, line {number}: no JSON ({error})") from error
        if not isinstance(line, dict) or not ({"choices", "error"} & cast("dict[str, Any]", line).keys()):
            raise ModelUnavailable(
                f"script {path}, line {number}: neither a chat.completion object nor an error"
            )
        lines.append(cast("dict[str, Any]", line))
    return tuple(lines)


def script_digest(path: str | Path) -> str:
    """Return a digest of the script's bytes, so that a log can tell one script from another."""
    return hashlib.sha256(_bytes_of(Path(path))).hexdigest()


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"script {path} cannot be read: {error.strerror or error}") from error


def _failure(error: object) -> ModelFailed:
    given = cast("dict[str, Any]", error) if isinstance(error, dict) else {"message": error}
    status, retry_after, fault = given.get("status"), given.get("retry_after"), given.get("fault")
    status = status if isinstance(status, int) else None
    message = str(given.get("message") or "the script says that this call fails")
    return ModelFailed(
        fault=cast("FaultClass", fault) if fault in _FAULTS else fault_of_status(status, message),
        message=message,
        status=status,
        retry_after_s=float(retry_after) if isinstance(retry_after, int | float) else None,
        seen=str(given.get("seen") or ""),
    )
