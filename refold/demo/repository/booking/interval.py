"""A stretch of one day: from its start up to, and without, its end."""

from dataclasses import dataclass

from booking import clock


@dataclass(frozen=True, order=True)
class Interval:
    start: int
    end: int

    def __post_init__(self):
        if not self.start < self.end:
            raise ValueError(f"{self.start} to {self.end} is no stretch of time")

    @classmethod
    def parse(cls, text):
        """Read `HH:MM-HH:MM`."""
        start, _, end = text.partition("-")
        return cls(clock.minutes(start.strip()), clock.minutes(end.strip()))

    def __str__(self):
        return f"{clock.text(self.start)}-{clock.text(self.end)}"

    @property
    def length(self):
        return self.end - self.start

    def overlaps(self, other):
        """Say whether some minute belongs to both."""
        return self.start <= other.end and other.start <= self.end
