import unittest

from booking import Interval


class TestInterval(unittest.TestCase):
    def test_is_written_as_it_is_read(self):
        self.assertEqual("09:05-10:30", str(Interval.parse("9:05 - 10:30")))

    def test_has_a_length_in_minutes(self):
        self.assertEqual(85, Interval.parse("09:05-10:30").length)

    def test_cannot_end_before_it_starts(self):
        with self.assertRaises(ValueError):
            Interval.parse("10:00-09:00")

    def test_overlaps_what_shares_a_minute_with_it(self):
        morning = Interval.parse("09:00-12:00")
        self.assertTrue(morning.overlaps(Interval.parse("11:59-13:00")))
        self.assertTrue(morning.overlaps(Interval.parse("10:00-10:15")))
        self.assertFalse(morning.overlaps(Interval.parse("13:00-14:00")))
