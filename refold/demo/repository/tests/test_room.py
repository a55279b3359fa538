import unittest

from booking import Conflict, Interval, Room


def booked(*times):
    room = Room("Blue")
    for time in times:
        room.book(Interval.parse(time))
    return room


class TestRoom(unittest.TestCase):
    def test_keeps_its_bookings_in_order(self):
        room = booked("13:00-14:00", "09:00-10:00")
        self.assertEqual(["09:00-10:00", "13:00-14:00"], [str(each) for each in room.bookings])

    def test_is_never_taken_twice_at_once(self):
        room = booked("09:00-10:00")
        with self.assertRaises(Conflict):
            room.book(Interval.parse("09:30-10:30"))

    def test_can_be_booked_from_the_minute_it_becomes_free(self):
        room = booked("09:00-10:00")
        room.book(Interval.parse("10:00-11:00"))
        self.assertEqual(2, len(room.bookings))

    def test_knows_its_gaps(self):
        room = booked("09:00-10:00", "12:00-13:30")
        gaps = room.free(Interval.parse("08:00-13:00"))
        self.assertEqual(["08:00-09:00", "10:00-12:00"], [str(each) for each in gaps])
