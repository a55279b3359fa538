"""A model, as a session knows it: asked once, it answers or it failed, and both are facts."""

from collections.abc import Callable
from typing import Protocol

from refold.eventlog.events import ModelAnswered, ModelFailed
from refold.projections.request import Request

type OnGlimpse = Callable[[str], None]
"""Told each piece of text as it arrives; shown, never stored."""


class Model(Protocol):
    """One way to have a request answered. It may be asked from several threads at once."""

    def ask(
        self, request: Request, *, script_line: int = 0, on_glimpse: OnGlimpse | None = None
    ) -> ModelAnswered | ModelFailed:
        """Ask once and wait; never raises, never tries again by itself.

        `script_line` is the number of answers and failures accepted from this model's script so far, which
        only the log knows. The fact that is returned has no `cause` yet; it holds no secret.
        """
        ...


class ModelUnavailable(Exception):
    """This model cannot be asked here at all; the message says what to do about it."""
