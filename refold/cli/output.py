"""Data to stdout, words to stderr."""

import json
import sys
from typing import Any


def put(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Print one JSON value on a line of its own."""
    put_text(json.dumps(value, ensure_ascii=False))


def put_text(line: str) -> None:
    """Print a line of data as it is."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
