"""Bugs in what carries a recording out again."""

from tests.mutations.bug import Bug

RECORDING = ("recording",)

REENACTMENT = (
    Bug(
        name="a person who writes during a recording is never heard",
        family="deciders",
        file="actors/controller/evolve.py",
        edits=(("        unheard=recording.interjected,\n", "        unheard=False,\n"),),
        scenarios=RECORDING,
    ),
    Bug(
        name="a recorded step that is told twice is carried out twice",
        family="deciders",
        file="actors/controller/decide.py",
        edits=((" or fact.source <= recording.cursor", ""),),
        scenarios=RECORDING,
    ),
    Bug(
        name="a model is asked before the recording ends",
        family="deciders",
        file="actors/controller/decide.py",
        edits=(("        and not agent.reenacting\n", ""),),
        scenarios=RECORDING,
    ),
    Bug(
        name="the step behind the last one is passed over",
        family="deciders",
        file="actors/controller/reenactor.py",
        edits=(
            (
                "return self._read(log, source).after(cursor)",
                "return self._read(log, source).after(cursor + 1)",
            ),
        ),
        scenarios=RECORDING,
    ),
)
