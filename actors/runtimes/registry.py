"""Every way to have a runner, by its name; one of your own by its path, `MODULE:NAME`."""

import importlib
from collections.abc import Callable
from functools import partial

from refold.actors.runtimes.kept import Contained, Kept
from refold.actors.runtimes.remote import RemoteRuntime
from refold.actors.runtimes.runtime import Runtime
from refold.actors.sandboxes.choose import SANDBOXES


class RuntimeUnknown(Exception):
    """There is no runtime of this name here; the message lists those that there are."""


_RUNTIMES: dict[str, Callable[[], Runtime]] = {
    "bubblewrap": partial(Kept, lambda: SANDBOXES["bubblewrap"]),
    "docker": partial(Contained, lambda: SANDBOXES["docker"]),
    "local": partial(Kept, lambda: SANDBOXES["local"]),
    "remote": RemoteRuntime,
}


def names() -> tuple[str, ...]:
    """Return the names that everybody has."""
    return tuple(sorted(_RUNTIMES))


def runtime(name: str) -> Runtime:
    """Return the runtime of this name; raises `RuntimeUnknown`."""
    if (make := _RUNTIMES.get(name)) is not None:
        return make()
    module, colon, attribute = name.partition(":")
    if not colon or not module or not attribute:
        raise RuntimeUnknown(
            f"there is no sandbox {name!r}; there are {', '.join(names())}, and yours by MODULE:NAME"
        )
    try:
        found = getattr(importlib.import_module(module), attribute)
        made: Runtime = found() if isinstance(found, type) or not _keeps(found) else found
    except Exception as error:  # whatever somebody's module does while it loads
        raise RuntimeUnknown(
            f"the runtime {name!r} cannot be loaded: {type(error).__name__}: {error}; "
            f"of its own Refold has {', '.join(names())}"
        ) from error
    if not _keeps(made):
        raise RuntimeUnknown(
            f"{name!r} is no runtime: it lacks {', '.join(_missing(made))}; "
            "refold.actors.runtimes.Runtime says what one must have"
        )
    return made


_NEEDED = ("isolated", "unavailable", "refusal", "find", "launch", "is_alive", "clear")


def _missing(made: object) -> list[str]:
    return [name for name in _NEEDED if not hasattr(made, name)]


def _keeps(made: object) -> bool:
    return not _missing(made)
