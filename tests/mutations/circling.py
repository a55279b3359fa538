"""Bugs in seeing that an agent goes in circles: circles that are not seen, and others that are none."""

from tests.mutations.bug import Bug

_CIRCLES = ("circles",)

CIRCLING = (
    Bug(
        name="failures that differ in their words are no circle",
        family="circles",
        file="actors/controller/stuck.py",
        edits=(
            (
                "len({turn.action for turn in last}) == 1 and",
                "len({(turn.action, turn.observation) for turn in last}) == 0 and",
            ),
        ),
        scenarios=_CIRCLES,
    ),
    Bug(
        name="an alternation is seen one round late",
        family="circles",
        file="actors/controller/stuck.py",
        edits=(
            ("ring = pairs[-6:]", "ring = pairs[-8:]"),
            (
                "if len(ring) == 6 and _equal(ring[::2], 3) and _equal(ring[1::2], 3):",
                "if len(ring) == 8 and _equal(ring[::2], 4) and _equal(ring[1::2], 4):",
            ),
        ),
        scenarios=_CIRCLES,
    ),
    Bug(
        name="waiting for a long command is taken for a circle",
        family="circles",
        file="actors/controller/stuck.py",
        edits=(
            ("(action.is_input or not action.command.strip())", "action.command == action.thought + 'x'"),
        ),
        scenarios=_CIRCLES,
    ),
    Bug(
        name="a circle is remembered beyond a message of the user",
        family="circles",
        file="actors/controller/evolve.py",
        edits=(("waiting=False, repairs=0, turns=()", "waiting=False, repairs=0"),),
        scenarios=_CIRCLES,
    ),
)
