"""Times of day as minutes since midnight, and as people write them."""

DAY = 24 * 60


def minutes(text):
    """Read `HH:MM`; `24:00` is the end of the day."""
    hours, _, rest = text.partition(":")
    value = int(hours) * 60 + int(rest)
    if not 0 <= int(rest) < 60 or not 0 <= value <= DAY:
        raise ValueError(f"no time of day: {text!r}")
    return value


def text(value):
    """Write minutes as `HH:MM`."""
    return f"{value // 60:02d}:{value % 60:02d}"
