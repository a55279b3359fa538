"""What is written and read: the same texts for everybody. The peers import this file: plain Python only."""

import math
import random
from bisect import bisect
from itertools import accumulate

SHORT = 200
"""A record that says this much has about 400 bytes: a state change, a start, a short answer."""
MEDIAN, MEAN, LONGEST = 1400, 5700, 1 << 20
"""Sizes of real runs' events; half are short, and the long ones are most of the bytes."""
_WORDS = (  # noqa: SIM905 - as readable as words are
    "def return self import from class assert if not in for the a of to and is path line file test error "
    "expected found none true raise value name event stream version ( ) : = , . [ ] \n \n    0 1 2 -> #"
).split(" ")

_BOOK = 4 << 20
_FOREIGN_EVERY = 33
"""One text in so many holds a character beyond ASCII, as in recorded runs."""


def sizes(count: int) -> list[int]:
    """Return lognormal sizes whose median and mean are those of real runs."""
    chance = random.Random(1)  # noqa: S311 - the same sizes for everybody
    spread = math.sqrt(2 * math.log(MEAN / MEDIAN))
    return [min(LONGEST, max(1, int(chance.lognormvariate(math.log(MEDIAN), spread)))) for _ in range(count)]


def texts(lengths: list[int]) -> list[str]:
    """Return text of these lengths, no two alike: something between prose and code."""
    chance = random.Random(2)  # noqa: S311
    weights = list(accumulate(1 / (rank + 2) for rank in range(len(_WORDS))))
    words = [_WORDS[bisect(weights, chance.random() * weights[-1])] for _ in range(_BOOK // 4)]
    book = " ".join(words)
    found: list[str] = []
    for number, length in enumerate(lengths):
        start = chance.randrange(max(1, len(book) - length))
        text = book[start : start + length]
        found.append(f"{text[:-1]}→" if number % _FOREIGN_EVERY == 0 else text)
    return found


def payloads(kind: str, count: int) -> list[str]:
    """Return `count` texts, `short` or of `real` sizes."""
    return texts([SHORT] * count if kind == "short" else sizes(count))
