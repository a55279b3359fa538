"""A person at a bad line: commands get lost or arrive twice, and each is said again until it is answered."""

from collections.abc import Callable

from msgspec import Struct

from refold.actors.dispatch.stepper import Stepper
from refold.actors.session.commands import Command
from refold.actors.session.messages import Reply, Submit, session_name
from refold.eventlog.record import Record

NAME = "person"


class Heard(Struct, frozen=True, kw_only=True):
    """A command and what came of it: `said` and `heard` are when, in the order of all that this person did.

    `after` and `until` are the versions that the session had reached at these moments.
    """

    command: Command
    said: int
    heard: int
    after: int
    until: int
    records: tuple[Record, ...]
    refused: str | None


class Person:
    """Says one thing after the other; `heard` is what was answered, `waiting` what was not yet."""

    def __init__(self, stepper: Stepper, stream: str, version: Callable[[], int]) -> None:
        self.heard: list[Heard] = []
        self.waiting: dict[str, tuple[Command, int, int]] = {}
        self._stepper, self._stream, self._version = stepper, stream, version
        self._clock = 0
        self._sent: dict[str, int] = {}
        """How many faults there could yet be when a command was sent last and not lost on the line."""
        self.repeated: set[str] = set()
        """Commands that were sent more than once. A refusal records nothing, so each copy is judged anew."""

    def arrive(self) -> None:
        """Call the driver that is there now; what the one before did not answer is said again."""
        self.mail = self._stepper.listen(NAME)
        self.insist()

    def say(self, command: Command) -> None:
        self._clock += 1
        self.waiting[command.id] = (command, self._clock, self._version())
        self._send(command)

    def insist(self) -> None:
        """Say again whatever was not answered."""
        for command, _, _ in tuple(self.waiting.values()):
            self._send(command)

    def unheard(self) -> list[str]:
        """Return the commands that reached a driver to which nothing has happened since, and wait."""
        return [id_ for id_ in self.waiting if self._sent.get(id_) == self._stepper.faults]

    def listen(self) -> None:
        """Take in the answers that arrived."""
        while not self.mail.empty():
            reply = self.mail.get_nowait()
            if not isinstance(reply, Reply) or reply.error is not None:
                continue
            waited = self.waiting.pop(reply.command, None)
            if waited is not None:
                command, said, after = waited
                self._clock += 1
                self.heard.append(
                    Heard(
                        command=command,
                        said=said,
                        heard=self._clock,
                        after=after,
                        until=self._version(),
                        records=reply.records,
                        refused=reply.refused,
                    )
                )

    def _send(self, command: Command) -> None:
        message = Submit(command=command, reply_to=NAME)
        trouble = self._stepper.mishap("line", "lost", "twice")
        if trouble == "twice" or command.id in self._sent:
            self.repeated.add(command.id)
        self._sent[command.id] = -1 if trouble == "lost" else self._stepper.faults
        for _ in range({None: 1, "lost": 0, "twice": 2}[trouble]):
            self._stepper.tell(session_name(self._stream), message)
