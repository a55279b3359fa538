"""Bugs in what is recalled and what is forgotten."""

from tests.mutations.bug import Bug

FORGETTING = (
    Bug(
        name="the task is forgotten first",
        family="memory",
        file="projections/condensing.py",
        edits=(
            ("in conversation.pieces[one.keep_first :]:", "in conversation.pieces:"),
            ("        if piece.version != conversation.first:\n", "        if piece:\n"),
        ),
        scenarios=("condensing", "remembering"),
    ),
    Bug(
        name="a model whose window is full is asked again",
        family="memory",
        file="actors/memory/evolve.py",
        edits=(("return replace(state, overflowed=True)", "return replace(state, condensed_tokens=None)"),),
        scenarios=("condensing",),
    ),
    Bug(
        name="a condensation counts as no iteration",
        family="memory",
        file="actors/controller/evolve.py",
        edits=(("iterations=max(state.iterations, step))", "iterations=state.iterations)"),),
        scenarios=("condensing",),
    ),
    Bug(
        name="a summary is kept whole, however long it is",
        family="memory",
        file="projections/condensing.py",
        edits=(
            (
                "min(SUMMARY_CHARACTERS_MAX, characters_forgotten // SUMMARY_SHARE))",
                "SUMMARY_CHARACTERS_MAX + characters_forgotten)",
            ),
        ),
        scenarios=("condensing",),
    ),
    Bug(
        name="a call is forgotten and its result stays",
        family="memory",
        file="projections/pieces.py",
        edits=(
            (
                "            told = True\n",
                (
                    "            told = True\n"
                    "            kept = tuple(one for one in piece.messages if one['role'] == 'tool')\n"
                    "            left.append(_measured(piece.version, kept))\n"
                ),
            ),
        ),
        scenarios=("condensing", "remembering"),
    ),
    Bug(
        name="a summary that was asked for is forgotten when the question is given up",
        family="memory",
        file="actors/memory/evolve.py",
        edits=(
            (
                "AskAbandoned():\n                return _condensation(state, ask=None)",
                "AskAbandoned():\n                return replace(state, condensation=None)",
            ),
        ),
        scenarios=("condensing",),
    ),
    Bug(
        name="a text that was forgotten counts as shown",
        family="memory",
        file="actors/memory/evolve.py",
        edits=(("if not within(shown.beside, event.forgotten)),", "),"),),
        scenarios=("remembering",),
    ),
    Bug(
        name="the agent goes on before it is shown the instructions of a folder",
        family="memory",
        file="actors/controller/decide.py",
        edits=(("        and not state.recall.touched\n", ""),),
        scenarios=("remembering",),
    ),
    Bug(
        name="messages that wait together are looked up at once",
        family="memory",
        file="actors/session/due.py",
        edits=(("state.recall.waiting[:1]  # One by one", "state.recall.waiting  # One by one"),),
        scenarios=("remembering",),
    ),
    Bug(
        name="a skill is looked up by a runner",
        family="memory",
        file="actors/runtime/decide.py",
        edits=(
            (
                "    if opened.kind in ANSWERED_BY_MEMORY or not may_start(state, opened):\n",
                "    if not may_start(state, opened):\n",
            ),
        ),
        scenarios=("remembering",),
    ),
    Bug(
        name="the first system message ends what memory offered",
        family="memory",
        file="actors/session/evolve.py",
        edits=(("tools=(*own, *recalled))", "tools=own)"),),
        scenarios=("remembering",),
    ),
)
