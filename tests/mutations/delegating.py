"""Bugs between a session and its delegates: who is claimed, told, counted, and waited for."""

from tests.mutations.bug import Bug

_HERE = ("delegating",)

DELEGATION = (
    Bug(
        name="a delegate is not claimed with its parent",
        family="delegation",
        file="actors/delegation/family.py",
        edits=(
            (
                "found += claims(log, append.stream, state.delegates, entry.given.id, event)",
                "found += ()",
            ),
        ),
        scenarios=_HERE,
    ),
    Bug(
        name="what a delegate used up is not counted",
        family="delegation",
        file="actors/controller/evolve.py",
        edits=(("iterations=state.iterations + observation.iterations,", "iterations=state.iterations,"),),
        scenarios=_HERE,
    ),
    Bug(
        name="a delegate gives its result before its own delegates have",
        family="delegation",
        file="actors/delegation/reporter.py",
        edits=(
            (
                "not state.delegates and not state.life.closed and not due(state)",
                "not state.life.closed",
            ),
        ),
        scenarios=_HERE,
    ),
    Bug(
        name="a delegate that was rebuilt is not told again what it missed",
        family="delegation",
        file="actors/delegation/actor.py",
        edits=(
            (
                "            case Returned(action=action):\n                self._told.pop(action, None)\n",
                "            case Returned():\n                pass\n",
            ),
        ),
        scenarios=("a family that pauses",),
        chooser="lone fault",
    ),
    Bug(
        name="a delegate may spend what its parent has not",
        family="delegation",
        file="actors/delegation/decide.py",
        edits=(("budget = left if budget is None else min(left, budget)", "del left"),),
        scenarios=_HERE,
    ),
    Bug(
        name="a result is lost with whoever was told it",
        family="delegation",
        file="actors/delegation/actor.py",
        edits=(
            (
                "self.port.tell(reporter_name(delegate_stream(self._stream, action)), SayAgain())",
                "SayAgain()",
            ),
        ),
        scenarios=("delegating",),
        chooser="lone fault",
        seeds_max=3_000,
    ),
    Bug(
        name="the agent goes on while a delegate that was stopped still works",
        family="delegation",
        file="actors/controller/decide.py",
        edits=(("        and not state.delegates\n", ""),),
        scenarios=("interrupting",),
    ),
    Bug(
        name="a pause does not reach a delegate",
        family="delegation",
        file="actors/delegation/actor.py",
        edits=(
            (
                '        if state.agent.state == "paused":',
                '        if state.agent.state == "stopped":',
            ),
        ),
        scenarios=("interrupting",),
    ),
    Bug(
        name="a delegate that nobody awaits works on",
        family="delegation",
        file="actors/delegation/actor.py",
        edits=(
            (
                '        if one.answered:\n            return StopAgent(id=f"{delegate}/stop", at=at)\n',
                "",
            ),
        ),
        scenarios=("interrupting",),
    ),
    Bug(
        name="a delegate may delegate as deep as its parent",
        family="delegation",
        file="actors/delegation/decide.py",
        edits=(
            (
                "delegation_depth=settings.delegation_depth - 1,",
                "delegation_depth=settings.delegation_depth,",
            ),
        ),
        scenarios=_HERE,
    ),
    Bug(
        name="nothing can be delegated where nothing is spent",
        family="delegation",
        file="actors/delegation/decide.py",
        edits=(
            (
                "mine.budget_usd - (mine.cost_usd - mine.cost_base_usd)",
                "mine.cost_usd - mine.cost_base_usd",
            ),
        ),
        scenarios=_HERE,
    ),
)
