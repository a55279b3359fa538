"""The steps of a start, as data, in the order in which they are done.

Who adds one adds it to `StartStep`, gives it a line here, says in `evolve.py` when it is owed, and performs
the effect `RunStep` of that name in an actor, which reports what came of it by `ReportStep`.
"""

from types import MappingProxyType

from msgspec import Struct

from refold.eventlog.starting import StartStep

SETUP = (".refold/setup.sh", ".openhands/setup.sh")
"""Scripts that prepare a sandbox; the first that is there is run, in the shell that the agent gets."""

HOOKS = (".refold/pre-commit.sh", ".openhands/pre-commit.sh")
"""Scripts that git is to run before each commit; the first that is there is installed."""

SCRIPTS = (*SETUP, *HOOKS)


class Step(Struct, frozen=True, kw_only=True):
    """`connected`: it needs a runner, else it comes before one. `mandatory`: its failure ends the start."""

    connected: bool
    mandatory: bool = True


STEPS: MappingProxyType[StartStep, Step] = MappingProxyType(
    {
        "secrets": Step(connected=False),
        "analyzer": Step(connected=False),
        "repository": Step(connected=True),
        "setup": Step(connected=True),
        "hooks": Step(connected=True, mandatory=False),
    }
)

_ORDER = {step: place for place, step in enumerate(STEPS)}


def in_order(steps: set[StartStep]) -> tuple[StartStep, ...]:
    return tuple(sorted(steps, key=lambda step: _ORDER[step]))
