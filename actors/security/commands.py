"""The judgement of a whole shell command: what each program does, and where data goes between them."""

import posixpath

from refold.actors.security.files import looked_at, written
from refold.actors.security.finding import Finding, high, low, medium, unknown
from refold.actors.security.network import is_source, reached
from refold.actors.security.places import Place
from refold.actors.security.programs import done, roots_of
from refold.actors.security.shell import Simple, Word, read
from refold.actors.security.wrappers import loading, program, unwrapped

SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "rbash"})
INTERPRETERS = frozenset(
    {"python", "python2", "python3", "perl", "ruby", "node", "php", "lua", "deno", "bun"}
)
_CODE = frozenset({"-c", "-e", "-E", "-r", "--eval", "-p", "--print"})
_DEPTH_MAX = 5
_TEXT_MAX = 100_000
"""Longer commands are not read: nobody could read them for an approval either."""


class Judge:
    """Follows a command from left to right: where its shell is, and what it brought in from the network."""

    def __init__(self, workspace: str, directory: str | None, *, depth: int = 0) -> None:
        self.workspace, self._depth = workspace, depth
        self._directories: dict[tuple[int, ...], str | None] = {(): directory}
        self._fetched: set[str] = set()

    @property
    def directory(self) -> str | None:
        """Where the shell is after what was judged; None where nobody knows."""
        return self._directories[()]

    def judge(self, text: str) -> list[Finding]:
        if self._depth > _DEPTH_MAX or len(text) > _TEXT_MAX:
            return [unknown("the command is too long or too deeply nested to be read")]
        reading = read(text)
        found = [unknown("the command could not be read in full")] if reading.broken else list[Finding]()
        if reading.bomb is not None:
            found.append(high(reading.bomb))
        for command in reading.commands:
            found += self._command(command)
        if reading.broken and "/dev/tcp/" in text:  # The parser does not know `<>`.
            found.append(high("opens a connection (/dev/tcp)"))
        return found

    def _command(self, command: Simple) -> list[Finding]:
        place = Place(workspace=self.workspace, directory=self._directory_of(command.scope))
        found = list[Finding]()
        for name, _ in command.assigned:
            if (loads := loading(name)) is not None:
                found.append(loads)
        for redirect in command.redirects:
            target = redirect.target
            found += written(target, place) if redirect.writes else looked_at(target, place)
            if not redirect.writes and target.text.startswith(("/dev/tcp/", "/dev/udp/")):
                found.append(high(f"opens a connection ({target.text})"))
        if not command.words:
            return found
        words, on_the_way, fed = unwrapped(command.words)
        found += on_the_way
        if not words:
            if program(command.words) == "env":
                found.append(medium("prints the environment, secrets with it"))
            return found
        if not words[0].sure:
            return [*found, unknown(f"which program runs is only known when it does ({words[0].text[:60]})")]
        name = program(words)
        if name == "cd":
            self._move(words, command.scope, place)
            return found
        for word in words[1:]:
            found += looked_at(word, place)
        found += self._run(name, words, command)
        found += reached(name, words, command)
        found += done(words, name, place, fed=fed)
        self._note_fetched(name, words, command, place)
        return found

    # Code that is handed on ---------------------------------------------------------------------------

    def _run(self, name: str, words: tuple[Word, ...], command: Simple) -> list[Finding]:
        """Return what is found in the code that a program is given."""
        arguments = words[1:]
        if name in SHELLS:
            return self._shell(arguments, command)
        if name == "su":
            return [found for code in _after(arguments, "-c") for found in self._code(code, command)]
        if name == "eval":
            whole = Word(" ".join(each.text for each in arguments), all(each.sure for each in arguments))
            return self._code(whole, command)
        if name == "trap" and arguments:
            return self._code(arguments[0], command)
        if name in {"source", "."}:
            return self._file(arguments, command)
        if name.rstrip("0123456789.") in {each.rstrip("23") for each in INTERPRETERS}:
            return self._interpreter(arguments, command)
        if name == "find":
            return self._found(arguments, command)
        return []

    def _shell(self, arguments: tuple[Word, ...], command: Simple) -> list[Finding]:
        if codes := _after(arguments, "-c"):
            return self._code(codes[0], command)
        files = [each for each in arguments if not each.text.startswith("-")]
        if files and not any(each.text == "-s" for each in arguments):
            return self._file(tuple(files), command)
        if command.text is not None:
            return self._code(command.text, command)
        return self._piped(command)

    def _piped(self, command: Simple) -> list[Finding]:
        """Return what a shell is fed by the commands before it in its pipeline."""
        if not command.upstream:
            return []
        if _brings_in(command.upstream):
            return [high("pipes the net into a shell")]
        last = command.upstream[-1]
        if program(last.words) in {"echo", "printf"}:
            text = Word(" ".join(each.text for each in last.words[1:]), all(e.sure for e in last.words[1:]))
            return self._code(text, command)
        if program(last.words) == "cat" and last.text is not None:
            return self._code(last.text, command)
        return [unknown("what a shell is told to run is only known when it runs")]

    def _interpreter(self, arguments: tuple[Word, ...], command: Simple) -> list[Finding]:
        inline = any(each.text in _CODE for each in arguments)
        files = [each for each in arguments if not each.text.startswith("-")]
        if inline:
            if _brings_in(command.inner):
                return [high("runs code from the net")]
            return [unknown("runs code of another language, which is not read here")]
        if any(each.text == "-m" for each in arguments):
            return []
        if files:
            return self._file(tuple(files), command)
        if _brings_in(command.upstream):
            return [high("pipes the net into an interpreter")]
        if command.text is not None or command.upstream:
            return [unknown("runs code of another language, which is not read here")]
        return []

    def _file(self, arguments: tuple[Word, ...], command: Simple) -> list[Finding]:
        """Return what it means to run a file: nothing by itself, unless it came from the net just now."""
        if not arguments:
            return []
        file = arguments[0]
        if not file.sure:
            if _brings_in(command.inner):
                return [high("runs code from the net")]
            return [unknown(f"which file is run is only known when it is ({file.text[:60]})")]
        if file.text.startswith(("/dev/fd/", "/dev/stdin")) and _brings_in(command.upstream):
            return [high("pipes the net into a shell")]
        if posixpath.basename(file.text) in self._fetched:
            return [high(f"runs code from the net ({file.text})")]
        return []

    def _code(self, code: Word, command: Simple) -> list[Finding]:
        if _brings_in(command.inner) and not code.sure:
            return [high("runs code from the net")]
        if not code.sure:
            return [unknown("what a shell is told to run is only known when it runs")]
        inner = Judge(self.workspace, self._directory_of(command.scope), depth=self._depth + 1)
        inner._fetched = self._fetched
        return inner.judge(code.text)

    def _found(self, arguments: tuple[Word, ...], command: Simple) -> list[Finding]:
        """Return what `find` has other programs do with each file."""
        found = list[Finding]()
        for index, word in enumerate(arguments):
            if word.text in {"-exec", "-execdir", "-ok", "-okdir"}:
                rest = arguments[index + 1 :]
                ends = [at for at, each in enumerate(rest) if each.text in {";", "+"}]
                run = rest[: ends[0]] if ends else rest
                for root in roots_of(arguments):
                    names = tuple(_filled(word, root) for word in run)
                    found += self._command(Simple(words=names, scope=command.scope))
        return found

    # Where it is, and what it has ---------------------------------------------------------------------

    def _directory_of(self, scope: tuple[int, ...]) -> str | None:
        while scope not in self._directories:
            scope = scope[:-1]
        return self._directories[scope]

    def _move(self, words: tuple[Word, ...], scope: tuple[int, ...], place: Place) -> None:
        targets = [each for each in words[1:] if not each.text.startswith("-") or each.text == "-"]
        target = targets[0] if targets else Word("~")
        known = target.sure and not target.glob and target.text != "-"
        self._directories[scope] = place.resolve(target.text) if known else None

    def _note_fetched(self, name: str, words: tuple[Word, ...], command: Simple, place: Place) -> None:
        """Remember the files that came from the net."""
        del place
        if not is_source(name):
            if _brings_in(command.upstream):
                self._fetched.update(
                    posixpath.basename(each.text) for each in (*words[1:], *_targets(command)) if each.sure
                )
            return
        self._fetched.update(posixpath.basename(each.text) for each in _targets(command))
        for option in ("-o", "--output", "-O", "--output-document"):
            self._fetched.update(posixpath.basename(each.text) for each in _after(words, option))
        if name != "curl" or any(each.text in {"-O", "--remote-name"} for each in words):
            self._fetched.update(posixpath.basename(each.text) for each in words[1:] if "/" in each.text)


def _after(words: tuple[Word, ...], option: str) -> list[Word]:
    """Return the words that follow an option; `-lc` holds `-c`."""
    return [
        words[index + 1]
        for index, word in enumerate(words[:-1])
        if word.text == option
        or (
            len(option) == 2  # noqa: PLR2004 - a short one
            and word.text.startswith("-")
            and not word.text.startswith("--")
            and word.text.endswith(option[1])
        )
    ]


def _filled(word: Word, root: Word) -> Word:
    """Return a word of `find -exec` with what it finds: many files below its root."""
    if "{}" not in word.text:
        return word
    return Word(word.text.replace("{}", f"{root.text}/*.found"), root.sure, glob=True)


def _targets(command: Simple) -> list[Word]:
    return [each.target for each in command.redirects if each.writes]


def _brings_in(commands: tuple[Simple, ...]) -> bool:
    return any(is_source(program(unwrapped(each.words)[0])) for each in commands)


def typed(text: str) -> list[Finding]:
    """Return what it means to type something into a program that runs: what reads it is not known here."""
    if not text.strip() or text.strip() in {"C-c", "C-d", "C-z"}:
        return [low("waits for a running program, or interrupts it")]
    return [unknown("types into a running program, and what that makes of it is not known here")]
