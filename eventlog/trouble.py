"""What a failure of the store means, told from what it says."""

from errno import EDQUOT, EIO, ENOSPC
from pathlib import Path
from shutil import disk_usage

_ROOM_BYTES = 1 << 20


def is_full(error: BaseException, folder: Path) -> bool:
    """Tell whether there was no room; lmdb hides the number in the text.

    A page that fits only in part is a short write, which lmdb calls an I/O error: then we ask for the room.
    """
    if isinstance(error, OSError):
        return error.errno in {ENOSPC, EDQUOT}
    if getattr(error, "code", None) in {ENOSPC, EDQUOT}:
        return True
    if "No space left" in str(error) or "quota" in str(error):
        return True
    cut_short = getattr(error, "code", None) == EIO or "Input/output error" in str(error)
    return cut_short and disk_usage(folder).free < _ROOM_BYTES
