"""Data to stdout, words to stderr."""

import io
import json
import os
import select
import sys
from typing import Any, TextIO


def put(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print one JSON value on a line of its own."""
    put_text(json.dumps(value, ensure_ascii=False))


def put_text(line: str) -> None:
    """Print a line of data as it is: in UTF-8, as JSON has it, whatever the terminal speaks."""
    _in_utf8(sys.stdout)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _in_utf8(stream: TextIO) -> None:
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() != "utf-8":
        stream.reconfigure(encoding="utf-8")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def is_read() -> bool:
    """Whether somebody still reads what goes to stdout."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not poll.poll(0)


def hush() -> None:
    """Throw away what goes to stdout from now on: nobody reads it any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
