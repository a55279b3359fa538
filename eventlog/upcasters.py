"""Upcasters: how events of an older schema become events of today's.

Adding a field with a default needs none. Everything else does: the old shape is read as plain data and
handed through the steps registered for its type and schema number, one after the other.
"""

from collections.abc import Callable
from typing import Any

type Fields = dict[str, Any]
type Upcast = Callable[[Fields], Fields]


class Upcasters:
    """Steps by (type, schema number); an event type without steps has schema 1."""

    def __init__(self) -> None:
        self._steps: dict[tuple[str, int], tuple[Upcast, str, int]] = {}
        self._current: dict[str, int] = {}
        self.any = False
        """Whether some event type has a schema other than 1."""

    def register(
        self, name: str, schema: int, *, to: tuple[str, int] | None = None
    ) -> Callable[[Upcast], Upcast]:
        """Register a step from `schema` of `name` to the next one, or to another type's schema."""

        def remember(step: Upcast) -> Upcast:
            target, number = to or (name, schema + 1)
            if (name, schema) in self._steps:
                raise ValueError(f"{name} of schema {schema} has an upcaster already")
            self._steps[name, schema] = (step, target, number)
            self._current[target] = max(number, self._current.get(target, 1))
            self.any = True
            return step

        return remember

    def current(self, name: str) -> int:
        """Return the schema number that events of this type are written with."""
        return self._current.get(name, 1)

    def lift(self, name: str, schema: int, fields: Fields) -> tuple[str, int, Fields]:
        """Take fields as they were written through every step there is."""
        while (found := self._steps.get((name, schema))) is not None:
            step, name, schema = found
            fields = step(fields)
        return name, schema, fields


UPCASTERS = Upcasters()
"""Those of Refold's own events: none yet, format 1 is the first."""
