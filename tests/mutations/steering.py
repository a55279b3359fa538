"""Bugs in what a person's commands and the limits lead to, and in what needs no world."""

from tests.mutations.bug import Bug

STEERING = (
    Bug(
        name="what needs no world is sent to the runner",
        family="deciders",
        file="actors/controller/decide.py",
        edits=(
            (
                "    return (*facts, *_answered_at_once(tuple(facts), version + 1, tasks))\n",
                "    return tuple(facts)\n",
            ),
        ),
    ),
    Bug(
        name="a message does not get an agent going that had ended",
        family="deciders",
        file="actors/controller/steer.py",
        edits=(("            return (*extended, _onward(state))\n", "            return extended\n"),),
    ),
    Bug(
        name="what waited for an approval goes on waiting when the user writes instead",
        family="approvals",
        file="actors/controller/steer.py",
        edits=(
            (
                "return (*extended, *_not_executed(state), _onward(state))",
                "return (*extended, _onward(state))",
            ),
        ),
        scenarios=("confirmation",),
    ),
    Bug(
        name="an agent that is told to continue stays where it is",
        family="deciders",
        file="actors/controller/steer.py",
        edits=(("            return (extended, _onward(state))\n", "            return (extended,)\n"),),
    ),
    Bug(
        name="an extension is worth what the settings say, whatever was asked for",
        family="deciders",
        file="actors/controller/steer.py",
        edits=(
            (
                "budget_usd=settings.budget_usd if command.budget_usd is None else command.budget_usd,",
                "budget_usd=settings.budget_usd,",
            ),
        ),
        scenarios=("forking",),
    ),
    Bug(
        name="what was spent before an extension counts against it",
        family="deciders",
        file="actors/controller/evolve.py",
        edits=(("cost_base_usd=state.cost_usd or 0.0,", "cost_base_usd=0.0,"),),
        scenarios=("limits",),
    ),
    Bug(
        name="a limit that is changed is not the one in force",
        family="deciders",
        file="actors/session/evolve.py",
        edits=(
            (
                "iterations_max=settings.iterations_max if event.iterations_max is None else event",
                "iterations_max=settings.iterations_max if event else event",
            ),
        ),
        scenarios=("forking",),
    ),
    Bug(
        name="what waits cannot be approved once the policy has changed",
        family="approvals",
        file="actors/controller/confirmation.py",
        edits=(
            (
                '    if state.agent.state == "awaiting_user_confirmation" or not waiting:\n',
                "    if not waiting:\n",
            ),
        ),
        scenarios=("changing minds",),
    ),
    Bug(
        name="a model that failed to sum up is asked again at once",
        family="memory",
        file="actors/memory/decide.py",
        edits=(
            (
                '    return (AgentStateChanged(state="rate_limited", reason=said, retry_at=retry_at),)\n',
                "    del retry_at\n    return ()\n",
            ),
        ),
        scenarios=("a summary that fails",),
    ),
    Bug(
        name="the first line of a script is read for every summary",
        family="memory",
        file="actors/memory/summaries.py",
        edits=(("asked.script_line or 0", "0"),),
        scenarios=("condensing",),
    ),
    Bug(
        name="what a recording says is taken for what a person says",
        family="deciders",
        file="actors/controller/evolve.py",
        edits=((" or version == recording.begun + 1:", ":"),),
        scenarios=("recording",),
    ),
    Bug(
        name="what came late is kept by the runner for good",
        family="runtime",
        file="actors/runtime/actor.py",
        edits=(
            (
                (
                    "            case LateResultRecorded(cause=cause) if cause is not None:\n"
                    "                self._closed.append(cause)\n"
                ),
                "",
            ),
        ),
        scenarios=("steering",),
    ),
    Bug(
        name="an analyzer that can be had ends the start",
        family="starting",
        file="actors/controller/actor.py",
        edits=(
            ('outcome="done" if why is None else "failed",', 'outcome="failed" if why is None else "done",'),
        ),
        scenarios=("risky",),
    ),
    Bug(
        name="a start goes on in a runner that was ended",
        family="starting",
        file="actors/runtime/evolve.py",
        edits=(
            (
                "        case RuntimeReleased():\n            return replace(state, incarnation=None)\n",
                "        case RuntimeReleased():\n            return state\n",
            ),
        ),
        scenarios=("starting",),
    ),
    Bug(
        name="an extension of the budget leaves it what it was",
        family="deciders",
        file="actors/controller/evolve.py",
        edits=(
            (
                "cost_base_usd=state.cost_usd or 0.0, budget_usd=event.budget_usd)",
                "cost_base_usd=state.cost_usd or 0.0)",
            ),
        ),
        scenarios=("forking",),
    ),
    Bug(
        name="who condenses a second time is given up",
        family="memory",
        file="actors/memory/decide.py",
        edits=(("if last is not None and fact.tokens > last * _STILL:", "if last is not None:"),),
        scenarios=("condensing",),
    ),
    Bug(
        name="a delegate that rejects its task never returns",
        family="delegation",
        file="actors/delegation/decide.py",
        edits=(('{"finished", "rejected", "error",', '{"finished", "error",'),),
        scenarios=("forking",),
    ),
)
FORKS = (
    Bug(
        name="a fork carries out what its parent had under way",
        family="forks",
        file="actors/session/fork.py",
        edits=(
            ("        *(answer(opened, _not_carried_over(opened)) for opened in state.hands.open),\n", ""),
        ),
        scenarios=("forking",),
    ),
    Bug(
        name="a fork waits for the delegates of its parent",
        family="forks",
        file="actors/delegation/evolve.py",
        edits=(
            (
                "# They are the parent's, and so is what they spend.\n            return ()\n",
                "\n            return state\n",
            ),
        ),
        scenarios=("forking",),
    ),
    Bug(
        name="a fork waits for the answer to its parent's question",
        family="forks",
        file="actors/session/fork.py",
        edits=(
            ('        *abandoned(state, "it was asked by the session that this one was forked from"),\n', ""),
        ),
        scenarios=("forking",),
    ),
    Bug(
        name="a fork of an answer whose calls are lost asks nobody again",
        family="forks",
        file="actors/controller/evolve.py",
        edits=(("unseen=state.unseen or _is_cut(state))", "unseen=state.unseen)"),),
        scenarios=("forking",),
    ),
    Bug(
        name="a fork of a message that was not heard yet stays where it was",
        family="forks",
        file="actors/session/fork.py",
        edits=(
            (
                'return (*extended, AgentStateChanged(state="running")) if halted else extended',
                "return extended",
            ),
        ),
        scenarios=("forking",),
    ),
)
