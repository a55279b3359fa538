"""The story of a simulation: what happened, in order, for reading and for telling two runs apart."""

import hashlib
import re

from refold.actors.dispatch.port import ActorFailed, WorkFailed

type Entry = tuple[int, str, str, object]
"""When (virtual ns), from whom, to whom, what."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def tell_story(entries: list[Entry]) -> str:
    """Return one line per entry. The same run gives the same text in every process."""
    return "\n".join(_line(*entry) for entry in entries)


def digest(entries: list[Entry], trace: list[int], now_ns: int) -> str:
    """Return a fingerprint of a whole run."""
    whole = f"{tell_story(entries)}\n{trace}\n{now_ns}"
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


def outline(entries: list[Entry]) -> str:
    """Return the story without its words: when, from whom, to whom, and of which kind; quick to make."""
    return "\n".join(
        [
            f"{when} {source} {target} {message if type(message) is str else type(message).__name__}"
            for when, source, target, message in entries
        ]
    )
