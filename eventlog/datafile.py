"""Looking at a data file before LMDB does: a map of a file that is too short kills whoever touches it."""

from pathlib import Path
from struct import Struct as Layout
from typing import TYPE_CHECKING, cast

from lmdb import verify

from refold.eventlog.log import LogUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

_META = Layout("=16x I I 8x Q I 92x Q Q")
"""Page header, magic, version, address, map size, page size, two tables, last page, transaction."""
_MAGIC = 0xBEEFC0DE
_VERSION = 1
_PAGE_SMALLEST, _PAGE_LARGEST = 512, 65536
_LOOKS = 3
"""A writer may be at work while the file is looked at; only what stays wrong is wrong."""


def inspect(path: Path) -> None:
    """Raise `LogUnreadable` unless the file is a whole LMDB file."""
    try:
        with path.open("rb") as file:
            first = file.read(_META.size)
            page = _page_size(path, first)
            file.seek(page)
            second = file.read(_META.size)
        if len(second) < _META.size:
            raise LogUnreadable(f"{path} is truncated: it ends within its first two pages")
        _page_size(path, second)
        last = max(_last_page(first), _last_page(second))[1]
        size = path.stat().st_size
    except OSError as error:
        raise LogUnreadable(f"{path} cannot be read: {error.strerror}") from error
    if size < (last + 1) * page:
        # Not always damage: pages at the end that were given up before they were written are missing too.
        _walk(path, f"it has {size} bytes, its table of contents needs {(last + 1) * page}")


def problems(path: Path) -> list[str]:
    """Return what is wrong with the pages of the file, without ever mapping it."""
    walk = cast("Callable[[str], list[str]]", verify.verify)  # pyright: ignore[reportUnknownMemberType]
    try:
        return walk(str(path))
    except (verify.VerifyError, OSError, ValueError) as error:
        return [str(error)]


def _walk(path: Path, complaint: str) -> None:
    found: list[str] = []
    for _ in range(_LOOKS):
        found = problems(path)
        if not found:
            return
    raise LogUnreadable(f"{path} is truncated: {complaint} ({found[0]})")


def _page_size(path: Path, meta: bytes) -> int:
    if len(meta) < _META.size:
        raise LogUnreadable(f"{path} is truncated: it ends within its first page")
    magic, version, _, page, _, _ = _META.unpack(meta)
    if magic != _MAGIC or version != _VERSION:
        raise LogUnreadable(f"{path} is no log: it does not begin as one")
    if not _PAGE_SMALLEST <= page <= _PAGE_LARGEST or page & (page - 1):
        raise LogUnreadable(f"{path} is damaged: it claims pages of {page} bytes")
    return int(page)


def _last_page(meta: bytes) -> tuple[int, int]:
    *_, last, transaction = _META.unpack(meta)
    return transaction, last
