"""Counts what an import cannot turn into events, so that it is said once and not once per step."""

from collections import Counter


class Losses:
    """What is counted under one name is told together, in the order of its first appearance."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, what: str, count: int = 1) -> None:
        if count > 0:
            self._counts[what] += count

    def told(self) -> tuple[str, ...]:
        """Return a phrase for each kind: its name, behind its number where there are several."""
        return tuple(
            what if count == 1 else f"{what} ({count} times)" for what, count in self._counts.items()
        )
