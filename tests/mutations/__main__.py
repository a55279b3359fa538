"""Plants each bug of the catalogue in a copy, hunts it, and writes what was found to `docs/mutations.md`.

    python -m tests.mutations [--only NAME] [--seeds N] [--json]

Exits with 1 if a bug was not found within its seeds, or its story has more than three deviations.
"""

import argparse
import sys

import msgspec

from tests.mutations.catalogue import BUGS
from tests.mutations.report import DOCUMENT, table
from tests.mutations.trial import Verdict, attempt


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="bugs whose name holds this")
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="try so many seeds, whatever the catalogue says"
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each bug")
    options = parser.parse_args()
    chosen = [bug for name, bug in BUGS.items() if not options.only or any(o in name for o in options.only)]
    verdicts: list[Verdict] = []
    for bug in chosen:
        verdict = attempt(bug, seeds=options.seeds)
        verdicts.append(verdict)
        sys.stdout.write(
            f"{msgspec.json.encode(verdict).decode() if options.json else verdict.line_for_people}\n"
        )
        sys.stdout.flush()
    if not options.only and options.seeds is None:
        DOCUMENT.write_text(table(verdicts))
    return 0 if chosen and all(verdict.holds for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
