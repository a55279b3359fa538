"""Hypothesis strategies for simulations: few decisions, so that what fails shrinks to almost nothing.

A schedule is not drawn step by step (that finds less and shrinks badly) but as a plan: a few channels that
come last from some moment on, and a few faults at planned occasions.
"""

from hypothesis import strategies as st

from refold.actors.dispatch.choosers import Planned
from refold.actors.models.fake import Line, says
from refold.eventlog.events import FaultClass, ModelFailed

FAULTS: tuple[FaultClass, ...] = ("rate_limit", "server", "bad_request")
DELIVERIES, OCCASIONS = 120, 300
"""How far into a run demotions and faults are planned: a session of two steps has about so many."""
CHANNELS, WAYS = 6, 20
"""Channels that are ready at once, and ways in which one occasion can go wrong, at most."""


def schedules(demotions_max: int = 4) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Draw at which deliveries which of the ready channels comes last from then on."""
    demotion = st.tuples(st.integers(0, DELIVERIES), st.integers(0, CHANNELS))
    return st.lists(demotion, max_size=demotions_max)


def faults(faults_max: int = 3) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Draw on which occasions something goes wrong, and which of the ways there are then."""
    return st.lists(st.tuples(st.integers(0, OCCASIONS), st.integers(0, WAYS)), max_size=faults_max)


def plans(demotions_max: int = 4, faults_max: int = 3) -> st.SearchStrategy[Planned]:
    """Draw a chooser for one run: `simulate(scenario, chooser=plan)`."""
    return st.builds(Planned, schedules(demotions_max), faults(faults_max))


def scripts(lines_max: int = 6) -> st.SearchStrategy[tuple[Line, ...]]:
    """Draw a model's answers: commands, several calls at once, calls of no tool, words, failures, an end."""
    run = st.integers(0, 99).map(lambda number: ("execute_bash", {"command": f"echo {number} >> tokens"}))
    call = st.one_of(run, run, st.just(("think", {"thought": "hm"})), st.just(("fly", {"to": "the moon"})))
    answers = st.lists(call, min_size=1, max_size=3).map(lambda calls: says("", *calls))
    failure = st.sampled_from(FAULTS).map(lambda fault: ModelFailed(fault=fault, message="drawn"))
    line = st.one_of(answers, answers, answers, st.just(says("what do you think?")), failure)
    end = says("", ("finish", {"message": "done"}))
    return st.lists(line, max_size=lines_max).map(lambda lines: (*lines, *(end for _ in range(lines_max))))
