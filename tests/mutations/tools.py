"""Bugs in what an agent is offered and in how it is carried out: servers of tools, actions side by side."""

from tests.mutations.bug import Bug

WITH_SERVERS = ("servers",)
SIDE_BY_SIDE = ("parallel",)

TOOLS = (
    Bug(
        name="a call is made again by the driver that takes over",
        family="tools",
        file="actors/servers/hands.py",
        edits=(
            (
                "if known is None and started_in != driver_incarnation(self._epoch):",
                'if known is None and not started_in.startswith("driver/"):',
            ),
        ),
        scenarios=WITH_SERVERS,
    ),
    Bug(
        name="a call is made again when its answer was not told",
        family="tools",
        file="actors/servers/hands.py",
        edits=(
            (
                "            call.answer.set_result(answer)\n",
                "            call.answer.set_result(answer)\n            self._calls.pop(key, None)\n",
            ),
        ),
        scenarios=WITH_SERVERS,
    ),
    Bug(
        name="the system message does not wait for what servers offer",
        family="tools",
        file="actors/session/decide.py",
        edits=(
            (
                "if state.hands.incarnation is None or state.start.owed or owes_tools(state):",
                "if state.hands.incarnation is None or state.start.owed:",
            ),
        ),
        scenarios=WITH_SERVERS,
    ),
    Bug(
        name="a second listing replaces the first",
        family="tools",
        file="actors/runtime/decide.py",
        edits=(
            (
                "    if not owes_tools(state):\n        return ()\n    return (command.fact,",
                "    if state.life.settings is None:\n        return ()\n    return (command.fact,",
            ),
        ),
        scenarios=WITH_SERVERS,
    ),
    Bug(
        name="what changes something is started beside what looks",
        family="tools",
        file="actors/runtime/state.py",
        edits=(("            if not opened.looks:\n                break\n", ""),),
        scenarios=SIDE_BY_SIDE,
    ),
    Bug(
        name="results are shown in the order in which they came",
        family="tools",
        file="projections/turn.py",
        edits=(("return [message, *self._in_order()]", "return [message, *self.results]"),),
        scenarios=SIDE_BY_SIDE,
        seeds_max=3_000,
    ),
)
