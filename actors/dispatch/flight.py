"""What is under way in a simulation: mail between names, in order per pair, and timers in order of time."""

import heapq
from collections import deque
from typing import Any

from refold.actors.dispatch.actor import Envelope

type Channel = tuple[str, str]
"""Sender and receiver."""

START, WORK = "*start", "*work"
"""Senders that no receiver has to be ready for: what they send builds it, or is no mail at all."""
_FREE = (START, WORK)


class Flight:
    """Letters in first-in-first-out channels, and timers; numbered in the order in which they came.

    Mail waits for the names in `barred`.
    """

    def __init__(self) -> None:
        self.barred: set[str] = set()
        self._channels: dict[Channel, deque[tuple[int, Envelope[Any]]]] = {}
        self._timers: list[tuple[int, int, str, str, object]] = []
        self._keys: set[str] = set()
        self._sequence = 0
        self._overtaken = False
        """A channel's first letter may be younger than that of a channel behind it."""

    def post(self, source: str, target: str, envelope: Envelope[Any]) -> None:
        self._sequence += 1
        channel, letter = (source, target), (self._sequence, envelope)
        if (letters := self._channels.get(channel)) is None:
            self._channels[channel] = deque((letter,))
        else:
            letters.append(letter)

    def ready(self) -> list[Channel]:
        """Return the channels whose first letter can be delivered now, the oldest letter first."""
        if self._overtaken:
            self._overtaken = False
            self._channels = dict(sorted(self._channels.items(), key=_first))
        if not (barred := self.barred):
            return list(self._channels)
        return [channel for channel in self._channels if channel[1] not in barred or channel[0] in _FREE]

    def take(self, channel: Channel) -> Envelope[Any]:
        """Remove and return the first letter of a channel that is ready."""
        letters = self._channels[channel]
        _, envelope = letters.popleft()
        if letters:
            self._overtaken = True
        else:
            del self._channels[channel]
        return envelope

    def letters(self, channel: Channel) -> list[object]:
        """Return what is under way in a channel, the oldest letter first."""
        return [envelope.message for _, envelope in self._channels.get(channel, ())]

    def forget(self, target: str) -> list[Envelope[Any]]:
        """Drop the mail and the timers of a name, but no work of that key; return the mail."""
        self.barred.discard(target)
        self._timers = [timer for timer in self._timers if timer[3] != target]
        heapq.heapify(self._timers)
        self._keys = {timer[2] for timer in self._timers}
        gone = [channel for channel in self._channels if channel[1] == target and channel[0] != WORK]
        return [envelope for channel in gone for _, envelope in self._channels.pop(channel)]

    def at(self, key: str, when_ns: int, target: str, message: object) -> None:
        """Set a timer, unless one of that key waits."""
        if key not in self._keys:
            self._keys.add(key)
            self._sequence += 1
            heapq.heappush(self._timers, (when_ns, self._sequence, key, target, message))

    @property
    def next_ns(self) -> int | None:
        """When the next timer is due."""
        return self._timers[0][0] if self._timers else None

    def due(self, now_ns: int) -> list[tuple[str, object]]:
        """Remove and return whom to tell what at `now_ns`, in order."""
        told: list[tuple[str, object]] = []
        while self._timers and self._timers[0][0] <= now_ns:
            _, _, key, target, message = heapq.heappop(self._timers)
            self._keys.discard(key)
            told.append((target, message))
        return told


def _first(item: tuple[Channel, deque[tuple[int, Envelope[Any]]]]) -> int:
    return item[1][0][0]
