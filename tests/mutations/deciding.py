"""Bugs in the rules: what is decided, and what a state remembers."""

from tests.mutations.bug import Bug

DECIDERS = (
    Bug(
        name="an action is carried out that was not recorded as started",
        family="deciders",
        file="actors/session/due.py",
        edits=(
            ("started_in=opened.incarnation,", "started_in=opened.incarnation or hands.incarnation,"),
            (
                "            for opened in hands.open\n            if opened.incarnation is not None",
                "            for opened in hands.open",
            ),
        ),
    ),
    Bug(
        name="an approval is forgotten when another process takes over",
        family="deciders",
        file="actors/runtime/evolve.py",
        edits=(
            (
                "        case SessionClaimed() | SessionClosed() | SessionForked():\n",
                (
                    "        case SessionClaimed() | SessionClosed() | SessionForked():\n"
                    "            state = _each(state, lambda o: replace(o, confirmed=False))\n"
                ),
            ),
        ),
    ),
    Bug(
        name="what waits for an approval is forgotten when another process takes over",
        family="deciders",
        file="actors/runtime/evolve.py",
        edits=(
            (
                "        case SessionClaimed() | SessionClosed() | SessionForked():\n",
                (
                    "        case SessionClaimed() | SessionClosed() | SessionForked():\n"
                    "            state = replace(state, open=tuple(o for o in state.open if o.incarnation))\n"
                ),
            ),
        ),
    ),
    Bug(
        name="an approval approves whatever waits by now",
        family="deciders",
        file="actors/controller/confirmation.py",
        edits=(("    if command.digest != digest:", "    if not command.digest:"),),
    ),
    Bug(
        name="one step more than the limit is taken",
        family="deciders",
        file="actors/controller/limits.py",
        edits=(("if agent.iterations_left <= 0:", "if agent.iterations_left < 0:"),),
    ),
    Bug(
        name="the last step that is allowed is not taken",
        family="deciders",
        file="actors/controller/limits.py",
        edits=(("if agent.iterations_left <= 0:", "if agent.iterations_left <= 1:"),),
    ),
    Bug(
        name="the last try that is allowed is not made",
        family="deciders",
        file="actors/controller/decide.py",
        edits=(("if failures > settings.retries_max:", "if failures >= settings.retries_max:"),),
        scenarios=("waiting",),
    ),
    Bug(
        name="a failure that will not pass is tried again",
        family="deciders",
        file="actors/models/retry.py",
        edits=(('"server", "cut_off"}', '"server", "cut_off", "authentication"}'),),
    ),
    Bug(
        name="the budget is looked at between steps only",
        family="deciders",
        file="actors/controller/limits.py",
        edits=(("    if agent.over_budget:", "    if agent.over_budget and agent.step is None:"),),
        scenarios=("limits",),
        seeds_max=3_000,
    ),
    Bug(
        name="a question that nobody hears the answer of costs nothing",
        family="deciders",
        file="actors/controller/evolve.py",
        edits=(
            (
                "return replace(state, ask=None, cost_usd=_sum(state.cost_usd, cost_usd))",
                "return replace(state, ask=None)",
            ),
        ),
    ),
    Bug(
        name="an agent may go in circles",
        family="deciders",
        file="actors/controller/limits.py",
        edits=(
            (
                "if circle := pattern(agent.turns):",
                "if (circle := pattern(agent.turns)) and not agent.turns:",
            ),
        ),
    ),
    Bug(
        name="one answer too many without a valid action is put up with",
        family="deciders",
        file="actors/controller/limits.py",
        edits=(("agent.repairs > settings.repairs_max", "agent.repairs > settings.repairs_max + 1"),),
    ),
    Bug(
        name="a late answer is taken for the one that is awaited",
        family="deciders",
        file="actors/controller/decide.py",
        edits=(("if ask is None or ask.version != fact.cause:", "if ask is None:"),),
        scenarios=("impatience",),
        seeds_max=3_000,
    ),
    Bug(
        name="a late result is taken for the one that is awaited",
        family="deciders",
        file="actors/runtime/decide.py",
        edits=(("if state.hands.find(fact.cause) is None:", "if fact.cause is None:"),),
    ),
    Bug(
        name="a claim leaves the open question open",
        family="deciders",
        file="actors/session/decide.py",
        edits=(('(command.fact, *abandoned(state, "its driver is gone"))', "(command.fact,)"),),
    ),
    Bug(
        name="a stop leaves the open question open",
        family="deciders",
        file="actors/controller/steer.py",
        edits=(('        *abandoned(state, "stopped by the user"),\n', ""),),
    ),
    Bug(
        name="a stop answers only the first of several actions",
        family="deciders",
        file="actors/runtime/decide.py",
        edits=(("        for opened in state.hands.open\n", "        for opened in state.hands.open[:1]\n"),),
    ),
    Bug(
        name="the second tool call of an answer is dropped",
        family="deciders",
        file="actors/controller/decide.py",
        edits=(
            ("    for index, wanted in enumerate(read):", "    for index, wanted in enumerate(read[:1]):"),
        ),
    ),
    Bug(
        name="an agent that waits for the user can be paused",
        family="deciders",
        file="actors/controller/transitions.py",
        edits=(
            (
                '"running": "a message",\n            "stopped"',
                '"running": "a message",\n            "paused": "", "stopped"',
            ),
        ),
    ),
    Bug(
        name="a step overtakes a message that memory has not seen",
        family="deciders",
        file="actors/controller/decide.py",
        edits=(("        and not state.recall.waiting\n", ""),),
    ),
    Bug(
        name="an agent finishes without hearing what was said meanwhile",
        family="deciders",
        file="actors/controller/decide.py",
        edits=(("if not agent.unheard and agent.finishing:", "if agent.finishing:"),),
        scenarios=("impatience",),
    ),
    Bug(
        name="what was not asked about yet is forgotten with a stop or an error",
        family="deciders",
        file="actors/controller/evolve.py",
        edits=(
            (
                "return replace(changed, step=None, finishing=False, waiting=False, unseen=owed)",
                "return replace(changed, step=None, finishing=False, waiting=False, unseen=False)",
            ),
        ),
    ),
    Bug(
        name="a request that has become stale is asked all the same",
        family="deciders",
        file="actors/controller/decide.py",
        edits=(
            (
                "if command.seen != state.version or not owes_ask(state):",
                'if state.agent.ask is not None or state.agent.state != "running":',
            ),
        ),
    ),
)

TIMERS = (
    Bug(
        name="the time of the next try is forgotten when another process takes over",
        family="timers",
        file="actors/controller/evolve.py",
        edits=(
            (
                "    SessionFaulted,\n    SessionForked,",
                "    SessionClaimed,\n    SessionFaulted,\n    SessionForked,",
            ),
            (
                "    SessionStarted\n    | SessionForked",
                "    SessionStarted\n    | SessionClaimed\n    | SessionForked",
            ),
            (
                "        case SettingsChanged():\n            return _configured",
                (
                    "        case SessionClaimed():\n            return replace(state, retry_at=None)\n"
                    "        case SettingsChanged():\n            return _configured"
                ),
            ),
        ),
        scenarios=("waiting",),
        seeds_max=3_000,
    ),
    Bug(
        name="the timer of a wait that is over ends another one",
        family="timers",
        file="actors/controller/decide.py",
        edits=(
            (
                'if agent.state != "rate_limited" or agent.state_version != command.timer:',
                'if agent.state != "rate_limited":',
            ),
        ),
        scenarios=("waiting",),
        seeds_max=3_000,
    ),
    Bug(
        name="a timer is set once and never again under its name",
        family="timers",
        file="actors/session/due.py",
        edits=(('SetTimer(key=f"timer/{agent.state_version}"', 'SetTimer(key="timer"'),),
        scenarios=("waiting",),
        seeds_max=3_000,
    ),
)
