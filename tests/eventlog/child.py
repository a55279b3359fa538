"""Processes beside the one under test: `python -m tests.eventlog.child MODE PATH …`, and a way to start them.

`write PATH STREAMS COUNT SEGMENT_BYTES` appends to its own streams, all in flight at once, and prints
`stream version digest` for every append that was acknowledged. `read PATH COUNT` follows the log until it
has seen so many records and prints them. `hold PATH` opens a read transaction, says so, and keeps it.
"""

import sys
from collections.abc import Callable
from os import getpid
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Event

from refold.eventlog.lmdb_log import LMDBLog
from refold.eventlog.log import NO_STREAM, Appended, LogError
from refold.testing.appends import append

ROOT = Path(__file__).parents[2]


def start(mode: str, path: Path, *arguments: int) -> "Popen[str]":
    """Start a child; its output can be read line by line as it comes."""
    command = [sys.executable, "-m", "tests.eventlog.child", mode, str(path), *map(str, arguments)]
    return Popen(command, stdout=PIPE, stdin=PIPE, text=True, cwd=ROOT)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write(path: str, streams: int, count: int, segment_bytes: int) -> None:
    done = Event()
    with LMDBLog.open(path, segment_bytes=segment_bytes) as log:
        left = [streams * count]

        def go_on(stream: str, version: int) -> None:
            def told(outcome: Appended | LogError) -> None:
                assert isinstance(outcome, Appended), outcome
                say(f"{stream} {version} {outcome.records[0].digest.hex()}")
                left[0] -= 1
                if version + 1 < count:
                    go_on(stream, version + 1)
                if not left[0]:
                    done.set()

            expected = version - 1 if version else NO_STREAM
            log.append(append(stream, expected, f"{stream}-{version}"), on_committed=told)

        for number in range(streams):
            go_on(f"child-{getpid()}-{number}", 0)
        done.wait()


def read(path: str, count: int) -> None:
    with LMDBLog.open(path, readonly=True) as log:
        following = log.subscribe()
        say("ready")
        while count > 0:
            for record in following.take():
                say(f"{record.stream} {record.version} {record.digest.hex()}")
                count -= 1


def hold(path: str) -> None:
    with LMDBLog.open(path, readonly=True) as log, log.segments.active.environment.read():
        say("holding")
        sys.stdin.read()


MODES: dict[str, Callable[..., None]] = {"write": write, "read": read, "hold": hold}

if __name__ == "__main__":
    MODES[sys.argv[1]](sys.argv[2], *map(int, sys.argv[3:]))
