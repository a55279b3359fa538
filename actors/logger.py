"""Log lines about ourselves: quiet unless something is wrong, in the embedding program's own style."""

import os
import sys
from typing import Any

from refold.actors.runner.masker import Masker

_maskers: dict[frozenset[str], Masker] = {}


def hide(masker: Masker) -> None:
    """Keep the secrets that it knows out of every line of this process from now on."""
    _maskers[masker.secrets] = masker


def logger(**bound: Any) -> Any:  # noqa: ANN401 - structlog's own type is as loose
    """Return a structlog logger with these things bound to it.

    A program that configured structlog keeps its configuration. Otherwise lines of `$REFOLD_LOG` (default
    `error`) and above go to stderr, with traces only at `debug`. Imported when there is something to say.
    """
    import structlog  # noqa: PLC0415 - paid for only by a process that has something to log

    if not structlog.is_configured():
        level = os.environ.get("REFOLD_LOG", "error").lower()
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                *([] if level == "debug" else [_without_trace]),
                structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
                if sys.stderr.isatty()
                else structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
    return _Masked(structlog.get_logger("refold"), bound)


class _Masked:
    """Says what it is told, without secrets."""

    def __init__(self, said: Any, bound: dict[str, Any]) -> None:  # noqa: ANN401 - as above
        self._said, self._bound = said, bound

    def warning(self, event: str, **about: Any) -> None:  # noqa: ANN401
        self._said.warning(event, **_hidden(self._bound | about))

    def error(self, event: str, **about: Any) -> None:  # noqa: ANN401
        self._said.error(event, **_hidden(self._bound | about))


def _hidden(about: dict[str, Any]) -> dict[str, Any]:
    for masker in tuple(_maskers.values()):
        about = masker.data(about)
    return about


def _without_trace(_logger: object, _name: str, line: Any) -> Any:  # noqa: ANN401
    line.pop("trace", None)
    return line
