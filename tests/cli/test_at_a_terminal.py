"""A person at a terminal is shown the run while it happens, and asked where the session waits for them."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.cli.terminal import FINISH, WAIT_S, Terminal, bash, spoken

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7])(?:;\d+)*m")


class Person:
    """Sits before a pseudo-terminal: reads until something is shown, and types."""

    def __init__(self, terminal: Terminal, *arguments: str, **environment: str) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            terminal.command(*arguments),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**terminal.environment, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""

    def sees(self, text: str) -> None:
        """Read until `text` was shown, from here on."""
        give_up = time.monotonic() + WAIT_S
        while text not in self.shown:
            assert time.monotonic() < give_up, self.shown
            assert self._more(), self.shown
        self.shown = self.shown.partition(text)[2]

    def types(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def ends(self) -> int:
        while self._more():
            pass
        return self.process.wait(WAIT_S)

    def leaves(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _more(self) -> bool:
        """Read on; False once the terminal was let go by everybody."""
        if not select.select([self._master], [], [], WAIT_S)[0]:
            return False
        try:
            self.shown += os.read(self._master, 65536).decode(errors="replace")
        except OSError:
            return False
        return True


@pytest.fixture
def people() -> Iterator[list[Person]]:
    people: list[Person] = []
    yield people
    for person in people:
        person.leaves()


def test_a_person_answers_and_approves_where_the_run_is_shown(
    terminal: Terminal, people: list[Person]
) -> None:
    model = terminal.script(spoken("which [one]?"), bash("printf '\\033]0;evil\\007ok'; echo"), FINISH)
    person = Person(terminal, "run", "--session", "s", "--confirm", "always", *model, "go")
    people.append(person)
    person.sees("which [one]?")
    person.sees("you> ")
    person.types("the first")
    person.sees("approve?")
    assert terminal.run("resume", "s").returncode == 2  # They stay the driver while they think.
    person.types("y")
    assert person.ends() == 0
    assert "evil" not in person.shown.partition("gets")[2]
    assert "finished" in person.shown
    assert COLOUR.search(person.shown)
    assert terminal.observations("s")[0]["content"].endswith("ok")


def test_somebody_else_may_answer_while_a_person_is_asked(terminal: Terminal, people: list[Person]) -> None:
    model = terminal.script(bash("echo yes"), FINISH)
    person = Person(terminal, "run", "--session", "s", "--confirm", "always", *model, "go", NO_COLOR="1")
    people.append(person)
    person.sees("approve?")
    assert not COLOUR.search(person.shown)
    assert terminal.run("confirm", "s").returncode == 0
    assert person.ends() == 0
    assert not COLOUR.search(person.shown)


def test_a_session_that_is_over_asks_nobody_and_is_not_claimed(
    terminal: Terminal, people: list[Person]
) -> None:
    assert terminal.run("run", "--session", "s", *terminal.script(FINISH), "go").returncode == 0
    before = terminal.records("s")
    people.append(Person(terminal, "resume", "s"))
    assert people[0].ends() == 0
    assert "finished" in people[0].shown
    assert terminal.records("s") == before


def test_a_person_who_leaves_at_the_prompt_leaves_a_session_that_waits(
    terminal: Terminal, people: list[Person]
) -> None:
    model = terminal.script(spoken("well?"), FINISH)
    person = Person(terminal, "run", "--session", "s", *model, "go")
    people.append(person)
    person.sees("you> ")
    person.process.send_signal(signal.SIGINT)
    assert person.ends() == 130
    assert "refold resume s" in person.shown
    assert terminal.shown("s")["status"] == "awaiting_user_input"
    assert terminal.run("say", "s", "go on").returncode == 0
