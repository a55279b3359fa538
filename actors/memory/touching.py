"""Whether what an action names lies in a folder: by its text alone, for nobody may look at the disk here."""

import posixpath
import re
from collections.abc import Iterable

_BREAKS = re.compile(r"[\s'\"`;|&()<>=,]+")


def words(command: str) -> list[str]:
    """Return what could be paths in a shell command."""
    return [word for word in _BREAKS.split(command) if word]


def touched(instructions: str, places: Iterable[str]) -> bool:
    """Whether one of the places is the folder of these instructions, or lies below it.

    A place may be absolute or relative to anything: a folder of the same name elsewhere counts as well, for
    to read instructions in vain does no harm.
    """
    folder = f"/{posixpath.dirname(instructions)}/"
    return any(folder in f"/{posixpath.normpath(place)}/" for place in places)
