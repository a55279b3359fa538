"""A room and its bookings, in order of time and never two at once."""

from bisect import insort

from booking.interval import Interval


class Conflict(Exception):
    """The room is taken; `taken` says by what."""

    def __init__(self, wanted, taken):
        super().__init__(f"{wanted} is taken by {taken}")
        self.wanted, self.taken = wanted, taken


class Room:
    def __init__(self, name):
        self.name = name
        self._bookings = []

    @property
    def bookings(self):
        return tuple(self._bookings)

    def book(self, wanted):
        """Take the room, or raise `Conflict` and leave everything as it was."""
        for taken in self._bookings:
            if wanted.overlaps(taken):
                raise Conflict(wanted, taken)
        insort(self._bookings, wanted)

    def free(self, day):
        """Return the gaps within `day`, in order."""
        gaps, start = [], day.start
        for taken in self._bookings:
            if start < taken.start:
                gaps.append(Interval(start, min(taken.start, day.end)))
            start = max(start, taken.end)
            if start >= day.end:
                return gaps
        return [*gaps, Interval(start, day.end)]
