"""Where in code that is not Refold's something happened: what whoever reads of a failure looks for first."""

from collections.abc import Iterable
from types import FrameType

_OURS = ("refold.", "pykka.")
_BEGIN = "refold.testing.simulation"
"""Above it stands whoever asked for a run."""


def place(frames: Iterable[tuple[FrameType, int]]) -> str:
    """Return the first line that is not ours, in brackets behind a blank; empty where a run has only ours.

    The innermost frame comes first.
    """
    for frame, line in frames:
        module = str(frame.f_globals.get("__name__"))
        if module == _BEGIN:
            break
        if not module.startswith(_OURS):
            code = frame.f_code
            return f" ({code.co_filename.rpartition('/')[2]}:{line}, in {code.co_name})"
    return ""
