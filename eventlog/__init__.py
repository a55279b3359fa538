"""The ground: what happened, in order, for good. Import its modules by name; nothing is loaded here."""

if __name__ != "refold.eventlog":
    # A second copy of a class under another name would break `match` without a word.
    raise ImportError(f"import refold.eventlog, not {__name__}")
