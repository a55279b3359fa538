"""The table of what was found, for `docs/mutations.md`."""

from collections.abc import Sequence
from statistics import median

from tests.mutations.trial import DEVIATIONS_MAX, ROOT, Verdict

DOCUMENT = ROOT / "docs" / "mutations.md"

_HEAD = """\
# Planted Bugs

Would the simulator find the mistakes that we are afraid of? Each row is one, planted in a copy of the product
and hunted from seed 0 on. Every seed is one whole session; most bugs are hunted by all scenarios in turn, and
those that need trouble of a rare kind by one or two that were chosen for them.

The first failing run is made small; where it stays large, later ones that break the same law are tried. The
last column counts *deviations* from the plain course, on which everything takes its turn and nothing goes
wrong: faults, and letters held back, each letter once however many others overtake it. First stand those of
the run that was found, then those of the smallest one, then its decisions off the plain course. None means
that it takes no more than what the person says, and when.

`make mutations` makes this table, and fails as long as a row is **open**: not found, or with a story of more
than three deviations. `tests/mutations/` holds the bugs, and `refold/testing/shrink.py` makes runs small.

"""


def table(verdicts: Sequence[Verdict]) -> str:
    """Return the document."""
    tries = [verdict.seeds_max if verdict.seed is None else verdict.seed + 1 for verdict in verdicts]
    found = sum(verdict.seed is not None for verdict in verdicts)
    short = sum(verdict.holds for verdict in verdicts)
    bare = sum(verdict.holds and verdict.decisions <= DEVIATIONS_MAX for verdict in verdicts)
    summary = (
        f"**{found} of {len(verdicts)} are found, after {median(tries):g} seeds in the median (what is not "
        f"found counts with all that were tried); {short} have a story of {DEVIATIONS_MAX} deviations or "
        f"fewer, {bare} of them also of so few decisions; {len(verdicts) - short} are open.**\n\n"
    )
    rows = [
        "| planted bug | part | found after | scenario | law that breaks | deviations | |",
        "|---|---|--:|---|---|--:|---|",
        *(_row(verdict) for verdict in verdicts),
    ]
    return f"{_HEAD}{summary}" + "\n".join(rows) + "\n"


def _row(verdict: Verdict) -> str:
    if verdict.seed is None:
        return f"| {verdict.name} | {verdict.family} | not in {verdict.seeds_max} | | | | **open** |"
    cells = (
        verdict.name,
        verdict.family,
        f"{verdict.seed + 1}",
        verdict.scenario,
        f"`{verdict.law}`",
        f"{verdict.found} → {verdict.deviations} ({verdict.decisions})",
        "" if verdict.holds else "**open**",
    )
    return f"| {' | '.join(cells)} |"
