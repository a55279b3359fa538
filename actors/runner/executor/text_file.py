"""A file as text that goes back byte for byte: its line ends and its undecodable bytes are kept."""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH101, PTH103, PTH105, PTH108, PTH116, PTH120, PTH123

import contextlib
import os
import stat

FILE_MAX = 20 * 1024 * 1024
_SNIFFED = 8192


class Unreadable(Exception):
    """The file cannot be handled as text; the message is for the agent."""


class TextFile:
    """The text of a file; `text` has plain line feeds even where the file has CRLF."""

    def __init__(self, place: str, path: str) -> None:
        self.place, self.path = place, path
        try:
            found = os.stat(place)
        except OSError as error:
            raise Unreadable(f"The path {path} does not exist. Please provide a valid path.") from error
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable(f"The path {path} is not a regular file.")
        if found.st_size > FILE_MAX:
            raise Unreadable(f"The file {path} is too large to be handled whole: {found.st_size} bytes.")
        try:
            with open(place, "rb") as file:
                data = file.read()
        except OSError as error:
            raise Unreadable(f"Cannot read {path}: {error.strerror}.") from error
        if b"\0" in data[:_SNIFFED]:
            raise Unreadable(f"The file {path} is binary; use a command to look at it.")
        text = data.decode("utf-8", "surrogateescape")
        self.crlf = "\r\n" in text and text.count("\r\n") == text.count("\n")
        self.text = text.replace("\r\n", "\n") if self.crlf else text


def store(place: str, text: str, *, crlf: bool = False) -> None:
    """Replace the file at `place` whole or not at all, with its permissions and through its links."""
    data = (text.replace("\n", "\r\n") if crlf else text).encode("utf-8", "surrogateescape")
    place = os.path.realpath(place)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    temporary = f"{place}.{os.urandom(4).hex()}.new"
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        os.chmod(temporary, _mode(place))
        os.replace(temporary, place)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def shown(text: str) -> str:
    """Return text that any encoder takes: bytes that are no UTF-8 become replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _mode(place: str) -> int:
    try:
        return stat.S_IMODE(os.stat(place).st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
