"""Questions answered from the log: each a value and a pure fold over records, one file each."""

if __name__ != "refold.projections":
    # A second copy of a class under another name would break `match` without a word.
    raise ImportError(f"import refold.projections, not {__name__}")
