"""What the keeper promised, on disk before it acts on it: accepted, started, finished, acknowledged.

It is no ground state: it holds results until they are collected, no longer. Keys stay known for ever, so that
none is run twice.
"""

# pathlib would take a good part of the time that this process needs to start.
# ruff: noqa: PTH105, PTH120, PTH123

import contextlib
import json
import os
from typing import Any, NamedTuple


class Known(NamedTuple):
    """What is known of one key: `observation` until it was acknowledged."""

    digest: str
    incarnation: str
    state: str
    observation: dict[str, Any] | None = None


class Journal:
    """An append-only file of JSON lines; a later incarnation reads it and still hands the results out."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._keys: dict[str, Known] = {}
        try:
            with open(path, "rb") as file:
                lines = file.read().split(b"\n")[:-1]  # A torn last line was never promised to anyone.
        except FileNotFoundError:
            lines = []
        for line in lines:
            # What a crash of the machine left unreadable is forgotten. That is safe: this incarnation is not
            # the one that accepted it, so nobody will take an unknown key for one that never began.
            with contextlib.suppress(ValueError, KeyError):
                self._fold(json.loads(line))
        self._rewrite()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def known(self, key: str) -> Known | None:
        return self._keys.get(key)

    def accept(self, key: str, digest: str, incarnation: str) -> None:
        """Promise never to run `key` again; durable when this returns, unknown if it raises `OSError`."""
        self._write({"accepted": key, "digest": digest, "incarnation": incarnation}, durable=True)

    def start(self, key: str) -> None:
        """Mark the start; not waited for, because without its result a key is lost with us in any case."""
        try:
            self._write({"started": key}, durable=False)
        except OSError:
            self._fold({"started": key})

    def finish(self, key: str, observation: dict[str, Any]) -> None:
        """Keep the result, on disk after `sync`; in memory only where the disk is full."""
        try:
            self._write({"finished": key, "observation": observation}, durable=False)
        except OSError:
            self._fold({"finished": key, "observation": observation})

    def sync(self) -> None:
        """Make everything written durable."""
        with contextlib.suppress(OSError):  # What was not promised may be lost with the machine.
            os.fsync(self._file)

    def acknowledge(self, key: str) -> None:
        """Forget the result, not the key; a forgotten acknowledgement costs room, nothing else."""
        try:
            self._write({"acknowledged": key}, durable=False)
        except OSError:
            self._fold({"acknowledged": key})

    def close(self) -> None:
        try:
            os.fsync(self._file)
        finally:
            os.close(self._file)

    def _write(self, entry: dict[str, Any], *, durable: bool) -> None:
        data = json.dumps(entry).encode() + b"\n"
        end = os.fstat(self._file).st_size
        try:
            while data:
                data = data[os.write(self._file, data) :]
            if durable:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, end)  # Half a line would spoil the whole ones that follow.
            raise
        self._fold(entry)

    def _fold(self, entry: dict[str, Any]) -> None:
        match entry:
            case {"accepted": key, "digest": digest, "incarnation": incarnation, "state": state}:
                self._keys[key] = Known(digest, incarnation, state)
            case {"accepted": key, "digest": digest, "incarnation": incarnation}:
                self._keys[key] = Known(digest, incarnation, "accepted")
            case {"started": key}:
                self._keys[key] = self._keys[key]._replace(state="running")
            case {"finished": key, "observation": observation}:
                self._keys[key] = self._keys[key]._replace(state="finished", observation=observation)
            case {"acknowledged": key}:
                self._keys[key] = self._keys[key]._replace(state="acknowledged", observation=None)
            case _:
                raise ValueError(f"the journal {self._path} holds what this version does not know: {entry}")

    def _rewrite(self) -> None:
        """Write the journal anew without what was collected; a crash in between leaves the old one."""
        temporary = self._path + ".new"
        with open(temporary, "wb") as file:
            for key, known in self._keys.items():
                entry = {
                    "accepted": key,
                    "digest": known.digest,
                    "incarnation": known.incarnation,
                    "state": known.state,
                }
                file.write(json.dumps(entry).encode() + b"\n")
                if known.observation is not None:
                    file.write(
                        json.dumps({"finished": key, "observation": known.observation}).encode() + b"\n"
                    )
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._path)
        folder = os.open(os.path.dirname(self._path), os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
