"""Simulated writers: programs that use a log bare, and say each thing again until they know that it is in.

Sessions look before they write. These do not: whoever is rebuilt begins with its first command again, and
relies on the log to know which of them it has.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from refold.actors.dispatch.actor import Actor
from refold.actors.dispatch.port import Dispatcher
from refold.actors.dispatch.stepper import Stepper
from refold.actors.session.messages import Settled
from refold.eventlog.events import Event, MessageReceived
from refold.eventlog.log import NO_STREAM, Append, Appended, DiskFull, Entry, EventLog, LogError, WrongVersion
from refold.eventlog.memory_log import MemoryLog
from refold.eventlog.record import Given, Record
from refold.testing.disk import Disk
from refold.testing.minutes import Broken
from refold.testing.simulation import Run

if TYPE_CHECKING:
    from refold.testing.files import LogFile

SHARED = "shared"
AGAIN_NS = 10**9
"""How long a writer waits for room."""


class WriterScenario(Struct, frozen=True, kw_only=True):
    """`writers` of them, each with `commands` to write: now to a stream of its own, now to a shared one."""

    name: str
    writers: int = 3
    commands: int = 6
    disk: Literal["memory", "lmdb"] = "memory"

    def run(self, stepper: Stepper, seed: int) -> Run:
        del seed
        return WriterRun(self, stepper)


class _TryAgain(Struct, frozen=True):
    """Told to a writer by its timer: there may be room by now."""

    command: int


class Writer(Actor):
    """Writes its commands in order, and goes on to the next one when the log has said that it is in."""

    def __init__(self, port: Dispatcher, number: int, commands: int, log: EventLog) -> None:
        super().__init__(port, f"writer/{number}")
        self._number, self._commands, self._log = number, commands, log
        self._command = 0

    def on_start(self) -> None:
        self._write()

    def on_receive(self, message: Settled | _TryAgain) -> None:
        match message:
            case _TryAgain(command=command):
                if command == self._command:
                    self._write()
            case Settled(batch=command, result=result):
                if command == self._command:  # Else it answers the incarnation before this one.
                    self._settled(result)

    def _settled(self, result: Appended | LogError) -> None:
        match result:
            case Appended():
                self._command += 1
                self._write()
            case WrongVersion():
                self._write()
            case DiskFull():
                when = self.port.now_ns() + AGAIN_NS
                key = f"{self.name}/{self._command}/{when}"  # Not that of an incarnation that was further.
                self.port.at(key, when, self.name, _TryAgain(self._command))
            case LogError():
                raise result

    def _write(self) -> None:
        if self._command >= self._commands:
            return
        stream, events = command_of(self._number, self._command)
        head = self._log.head(stream)
        given = Given(id=f"{self.name}/{self._command}", kind="say", at=self._command, by="user")
        append = Append(
            stream=stream,
            expected=NO_STREAM if head is None else head.version,
            epoch=1,
            entries=(Entry(given=given, events=events),),
        )
        port, name, command = self.port, self.name, self._command
        self._log.append(append, on_committed=lambda result: port.tell(name, Settled(command, result)))


def command_of(writer: int, command: int) -> tuple[str, tuple[Event, ...]]:
    """Return where a command is written, and what it says."""
    stream = SHARED if (writer + command) % 2 else f"stream {writer}"
    said = tuple(MessageReceived(content=f"{writer}/{command}/{part}") for part in range(1 + command % 2))
    return stream, said


class WriterRun:
    """All that these writers do; what is committed is held to the laws, record by record."""

    def __init__(self, scenario: WriterScenario, stepper: Stepper) -> None:
        self._scenario, self._stepper = scenario, stepper
        self._records: list[Record] = []
        self._looked = 0
        self._versions = Counter[str]()
        self._commands: set[str] = set()
        self._file = _file() if scenario.disk == "lmdb" else None
        if self._file is None:
            self.disk = Disk(stepper, MemoryLog(id=bytes(16)), self._records.append)
        else:
            self.disk = Disk(stepper, self._file.log, self._records.append, reopen=self._file.reopen)

    def begin(self) -> None:
        for number in range(self._scenario.writers):
            make = partial(Writer, self._stepper, number, self._scenario.commands, self.disk)
            self._stepper.spawn(f"writer/{number}", make)

    def died(self) -> None:
        self.disk.crash()
        self.look()

    def look(self) -> None:
        for record in self._records[self._looked :]:
            self._take(record)
        self._looked = len(self._records)

    def _take(self, record: Record) -> None:
        if record.version != self._versions[record.stream]:
            raise Broken("versions_follow", f"{record.stream} {record.version} stands at {record.position}")
        self._versions[record.stream] += 1
        if record.given is None:
            return
        if record.given.id in self._commands:
            raise Broken("a_command_is_recorded_once", f"{record.given.id} stands at {record.position} again")
        self._commands.add(record.given.id)

    def rest(self) -> bool:
        return False

    def end(self) -> None:
        """Hold what is stored against what each writer had to say: all of it, once, and in its order."""
        stored = tuple(self.disk.read_all())
        for writer in range(self._scenario.writers):
            commands = [command_of(writer, command) for command in range(self._scenario.commands)]
            for stream in dict(commands):
                said = [event for where, events in commands if where == stream for event in events]
                found = [
                    record.event
                    for record in stored
                    if record.stream == stream and record.command.startswith(f"writer/{writer}/")
                ]
                if found != said:
                    raise Broken("what_is_written_is_stored_in_order", f"{stream} of {writer} holds {found}")

    def witness(self, actors: Mapping[str, Actor]) -> None:
        pass

    def evidence(self) -> bytes:
        return self._records[-1].digest if self._records else b""

    def seen(self) -> Sequence[str]:
        return tuple(f"writer ! {fault}" for fault in self._stepper.story.struck)

    def stored(self) -> Iterable[Record]:
        return self.disk.read_all(check=False)

    def close(self) -> None:
        if self._file is None:
            self.disk.close()
        else:
            self._file.close()


def _file() -> "LogFile":
    from refold.testing.files import LogFile  # noqa: PLC0415 - LMDB is loaded where it is used

    return LogFile()
