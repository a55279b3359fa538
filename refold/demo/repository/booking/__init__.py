"""Meeting rooms and who has them when."""

from booking.interval import Interval
from booking.room import Conflict, Room

__all__ = ["Conflict", "Interval", "Room"]
