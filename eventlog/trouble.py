"""What a failure of the store means, told from what it says."""

from errno import EDQUOT, ENOSPC


def is_full(error: BaseException) -> bool:
    """Tell whether there was no room; lmdb hides the number in the text."""
    if isinstance(error, OSError):
        return error.errno in {ENOSPC, EDQUOT}
    if getattr(error, "code", None) in {ENOSPC, EDQUOT}:
        return True
    return "No space left" in str(error) or "quota" in str(error)
