"""Bugs in those who act on what is committed, and in who delivers their mail."""

from tests.mutations.bug import Bug

FOLLOWERS = (
    Bug(
        name="a follower that comes back performs nothing of what is due",
        family="follower",
        file="actors/follower.py",
        edits=(
            (
                "        self._catch_up()\n        self._perform_due(owed(self._state))\n\n",
                ("        self._catch_up()\n        self._owed = owed(self._state).keys\n\n"),
            ),
        ),
    ),
    Bug(
        name="what is due again after it was not for a moment is not performed",
        family="follower",
        file="actors/follower.py",
        edits=(("            self._owed &= then", "            self._owed |= then"),),
    ),
    Bug(
        name="what was told again is taken in again",
        family="follower",
        file="actors/follower.py",
        edits=(("        if record.version <= self._state.version:\n            return\n", ""),),
    ),
)

RUNTIME = (
    Bug(
        name="an action that was ended is not interrupted by the process that takes over",
        family="runtime",
        file="actors/runtime/actor.py",
        edits=(("                self._stop_strays()  # What", "                pass  # What"),),
        scenarios=("steering",),
        seeds_max=5_000,
    ),
    Bug(
        name="an action that was ended is forgotten by a runtime that crashes",
        family="runtime",
        file="actors/runtime/actor.py",
        edits=(("        self._stop_strays()  # Whoever", "        pass  # Whoever"),),
        scenarios=("impatience",),
        seeds_max=3_000,
    ),
    Bug(
        name="an action whose outcome is unknown is sent again",
        family="runtime",
        file="actors/runner/recovery.py",
        edits=(('return "wait" if same_incarnation else "unknown"', 'return "wait"'),),
        seeds_max=3_000,
    ),
    Bug(
        name="an action is known to the runner by its stream alone",
        family="runtime",
        file="actors/runtime/actor.py",
        edits=(('{self._log.id.hex()}/{self._stream}/{action}"', '{self._log.id.hex()}/{self._stream}"'),),
    ),
    Bug(
        name="an action has another key with each runner",
        family="runtime",
        file="actors/runtime/actor.py",
        edits=(
            (
                '{self._log.id.hex()}/{self._stream}/{action}"',
                '{self._log.id.hex()}/{self._stream}/{self._state.hands.launches}/{action}"',
            ),
        ),
    ),
    Bug(
        name="the runner may forget a result before it is recorded",
        family="runtime",
        file="actors/runtime/actor.py",
        edits=(
            (
                "        self._under_way.discard(done.action)\n",
                "        self._under_way.discard(done.action)\n        self._closed.append(done.action)\n",
            ),
        ),
    ),
    Bug(
        name="a runner that is lost a second time is taken for lost already",
        family="runtime",
        file="actors/runtime/actor.py",
        edits=(('{incarnation}/{self._state.hands.launches}"', '{incarnation}"'),),
        scenarios=("elsewhere",),
    ),
    Bug(
        name="what was started is started anew once its runner is lost",
        family="runtime",
        file="actors/runtime/evolve.py",
        edits=(
            (
                "            return replace(state, incarnation=None, losses=state.losses + 1)",
                (
                    "            anew = _each(state, lambda o: replace(o, incarnation=None))\n"
                    "            return replace(anew, incarnation=None, losses=state.losses + 1)"
                ),
            ),
        ),
        scenarios=("elsewhere",),
    ),
    Bug(
        name="two connections have one name",
        family="runtime",
        file="actors/session/due.py",
        edits=(("connect/{life.epoch}/{hands.launches}/{hands.losses}", "connect/{life.epoch}"),),
    ),
)

MEMORY = (
    Bug(
        name="what memory finds is put down to the newest message",
        family="memory",
        file="actors/memory/actor.py",
        edits=(
            (
                "fact = replace(fact, cause=cause)",
                "fact = replace(fact, cause=next(reversed(self._messages), cause))",
            ),
        ),
    ),
    Bug(
        name="what memory has yet to look up is forgotten when another process takes over",
        family="memory",
        file="actors/memory/evolve.py",
        edits=(
            ("    SessionFaulted,\n", "    SessionClaimed,\n    SessionFaulted,\n"),
            ("    | SessionFaulted\n", "    | SessionClaimed\n    | SessionFaulted\n"),
            ("case SessionFaulted():", "case SessionClaimed() | SessionFaulted():"),
        ),
    ),
    Bug(
        name="a recall is recorded each time it is told",
        family="memory",
        file="actors/memory/decide.py",
        edits=((" if asked else ()", ""),),
    ),
    Bug(
        name="memory looks nothing up while the agent runs",
        family="memory",
        file="actors/session/due.py",
        edits=(
            ("    if agent.state not in RESTING:\n", '    if agent.state not in {*RESTING, "running"}:\n'),
        ),
    ),
)

DISPATCH = (
    Bug(
        name="the last letter of a sender is delivered first",
        family="dispatcher",
        file="actors/dispatch/flight.py",
        edits=(("_, envelope = letters.popleft()", "_, envelope = letters.pop()"),),
        scenarios=("impatience",),
    ),
    Bug(
        name="a timer is not set while another one waits",
        family="dispatcher",
        file="actors/dispatch/flight.py",
        edits=(("        if key not in self._keys:\n", "        if not self._timers:\n"),),
        scenarios=("waiting",),
    ),
)
