"""Bugs in how a session starts, and in what it keeps to itself."""

from tests.mutations.bug import Bug

_BY = ("starting",)

STARTS = (
    Bug(
        name="a setup script is run again in a sandbox that it was run in",
        family="starting",
        file="actors/start/evolve.py",
        edits=(
            (
                "and (incarnation is None or incarnation != state.setup_in):",
                "and (incarnation is None or incarnation != state.setup_in or found):",
            ),
        ),
        scenarios=_BY,
    ),
    Bug(
        name="an action does not wait for the sandbox to be set up",
        family="starting",
        file="actors/runtime/decide.py",
        edits=(
            (
                "if hands.incarnation is None or state.start.owed:",
                "if hands.incarnation is None:",
            ),
        ),
        scenarios=_BY,
    ),
    Bug(
        name="the agent is greeted before its repository is there",
        family="starting",
        file="actors/session/decide.py",
        edits=(
            (
                "if state.hands.incarnation is None or state.start.owed or owes_tools(state):",
                "if state.hands.incarnation is None or owes_tools(state):",
            ),
        ),
        scenarios=_BY,
    ),
    Bug(
        name="the runner of a start that failed is left alone",
        family="starting",
        file="actors/session/due.py",
        edits=(
            (
                "    if state.start.releasing:",
                '    if state.start.releasing and state.agent.state != "error":',
            ),
        ),
        scenarios=_BY,
    ),
    Bug(
        name="hooks are installed before the sandbox is set up",
        family="starting",
        file="actors/start/steps.py",
        edits=(
            ('        "setup": Step(connected=True),\n', ""),
            (
                '"hooks": Step(connected=True, mandatory=False),\n',
                '"hooks": Step(connected=True, mandatory=False), "setup": Step(connected=True),\n',
            ),
        ),
        scenarios=_BY,
    ),
    Bug(
        name="what a session is opened with is not masked",
        family="starting",
        file="actors/session/actor.py",
        edits=(("masked_submit(opening, masker) if masker and opening else opening", "opening"),),
        scenarios=_BY,
    ),
    Bug(
        name="only what people say is masked",
        family="starting",
        file="actors/session/actor.py",
        edits=(
            (
                "masked_submit(message, self._masker) if self._masker else message",
                "masked_submit(message, self._masker) if self._masker and message.reply_to else message",
            ),
        ),
        scenarios=_BY,
    ),
)
