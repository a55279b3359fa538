"""The first call of an embedding program."""

import os
from collections.abc import Mapping

from refold.edges import Glimpse
from refold.system import System


def open(  # noqa: A001 - `refold.open` reads as what it does
    home: str | os.PathLike[str] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    on_glimpse: Glimpse | None = None,
) -> System:
    """Open a home for driving sessions; a context manager. Raises `HomeUnusable`.

    `environment` is where models find their keys, the process's own by default.
    """
    return System(home, environment=environment, on_glimpse=on_glimpse)
