"""An agent session as four actors: they fold what was committed, do what is due, and say what came of it."""

if __name__ != "refold.actors":
    # A second copy of a class under another name would break `match` without a word.
    raise ImportError(f"import refold.actors, not {__name__}")
