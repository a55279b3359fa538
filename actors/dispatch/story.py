"""The story of a simulation: what happened, in order, for reading and for telling two runs apart."""

import hashlib
import re
from collections.abc import Sequence

from msgspec.msgpack import encode

from refold.actors.dispatch.port import ActorFailed, WorkFailed

FAULT = "*fault"
"""Who is said to have told it where something went wrong."""

type Entry = tuple[int, str, str, object]
"""When (virtual ns), from whom, to whom, what."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Story:
    """`entries` is all that happened, in order; `struck` which faults there were."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.struck: list[str] = []

    def add(self, when_ns: int, source: str, target: str, message: object) -> None:
        self.entries.append((when_ns, source, target, message))

    def strike(self, when_ns: int, where: str, what: str) -> None:
        """Add a fault."""
        self.struck.append(what)
        self.add(when_ns, FAULT, where, what)

    def tell(self) -> str:
        """Return a line per entry, with all that was said; equal runs have equal texts, in every process."""
        return "\n".join([_line(*entry) for entry in self.entries])

    def outline(self) -> bytes:
        """Return who told whom when, and what kind of thing: enough to tell runs apart, and quick to make."""
        return encode(
            [
                (when_ns, source, target, message if type(message) is str else type(message).__name__)
                for when_ns, source, target, message in self.entries
            ]
        )

    def digest(self, trace: Sequence[int], now_ns: int) -> str:
        """Return a fingerprint of a whole run."""
        whole = f"{self.tell()}\n{trace}\n{now_ns}"
        return hashlib.blake2b(whole.encode(), digest_size=16).hexdigest()


def _line(when_ns: int, source: str, target: str, message: object) -> str:
    match message:
        case None:
            told = ""
        case ActorFailed(name, error, text):  # without its trace, which names files of this machine
            told = f"{name} failed: {error}: {text}"
        case WorkFailed(key, error, text):
            told = f"{key} failed: {error}: {text}"
        case _:
            told = _ADDRESS.sub("", repr(message))
    return f"{when_ns / 1e9:.3f} {source:>20} -> {target:<20} {told}".rstrip()
