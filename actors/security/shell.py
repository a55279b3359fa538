"""A shell command read by a real parser into the simple commands that it would run, in order.

The parser accepts anything and marks what it could not make sense of; nothing here raises for odd input.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_KNOWN_VARIABLES = {"HOME": "~", "PWD": ".", "TMPDIR": "/tmp"}  # noqa: S108 - names a place, makes no file
_ENDLESS = frozenset({"true", ":"})
_WORDS = frozenset(
    {
        "word",
        "string",
        "raw_string",
        "ansi_c_string",
        "translated_string",
        "concatenation",
        "number",
        "simple_expansion",
        "expansion",
        "command_substitution",
        "process_substitution",
        "arithmetic_expansion",
        "brace_expression",
        "regex",
    }
)


class Word(Struct, frozen=True):
    """A word as a program gets it; not `sure` where only running tells, `glob` where it may be many."""

    text: str
    sure: bool = True
    glob: bool = False


class Redirect(Struct, frozen=True):
    operator: str
    target: Word

    @property
    def writes(self) -> bool:
        return ">" in self.operator and not (self.operator.endswith("&") and self.target.text.isdecimal())


class Simple(Struct, frozen=True, kw_only=True):
    """One command: `upstream` is what is piped into it, `inner` what its words are made of.

    `text` is the text that it is given to read, by a here-document; `scope` the subshells that it is in.
    """

    words: tuple[Word, ...] = ()
    assigned: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    upstream: "tuple[Simple, ...]" = ()
    inner: "tuple[Simple, ...]" = ()
    text: Word | None = None
    scope: tuple[int, ...] = ()


class Reading(Struct, frozen=True, kw_only=True):
    """`broken` where the parser gave up on a part; `bomb` says what would multiply without end."""

    commands: tuple[Simple, ...]
    broken: bool = False
    bomb: str | None = None


def read(text: str) -> Reading:
    reader = _Reader(text.encode("utf-8", "replace"))
    root = _parser().parse(reader.source).root_node
    commands = tuple(reader.commands(root, ()))
    return Reading(commands=commands, broken=root.has_error, bomb=reader.bomb)


@lru_cache(maxsize=1)
def _language() -> object:
    import tree_sitter  # noqa: PLC0415 - only where commands are judged
    import tree_sitter_bash  # noqa: PLC0415

    return tree_sitter.Language(tree_sitter_bash.language())


def _parser() -> "Parser":
    import tree_sitter  # noqa: PLC0415

    return tree_sitter.Parser(_language())  # type: ignore[arg-type]  # loaded where it is used


class _Reader:
    def __init__(self, source: bytes) -> None:
        self.source = source
        self.bomb: str | None = None
        self._scopes = 0

    # Commands -----------------------------------------------------------------------------------------

    def commands(self, node: "Node", scope: tuple[int, ...]) -> Iterator[Simple]:
        """Yield every simple command at or below `node`, in the order of the text."""
        match node.type:
            case "command" | "declaration_command" | "unset_command" | "test_command":
                yield from self._simple(node, scope)
            case "variable_assignment":
                assigned, inner = self._assignment(node, scope)
                yield from inner
                yield Simple(assigned=(assigned,), inner=tuple(inner), scope=scope)
            case "redirected_statement":
                yield from self._redirected(node, scope)
            case "pipeline":
                yield from self._pipeline(node, scope)
            case "subshell":
                self._scopes += 1
                yield from self._below(node, (*scope, self._scopes))
            case "function_definition":
                inside = list(self._below(node, scope))
                self._note_bomb(node)
                yield from inside
            case "while_statement":
                self._note_endless(node)
                yield from self._below(node, scope)
            case _:
                yield from self._below(node, scope)

    def _below(self, node: "Node", scope: tuple[int, ...]) -> Iterator[Simple]:
        for child in node.children:
            yield from self.commands(child, scope)

    def _simple(self, node: "Node", scope: tuple[int, ...]) -> Iterator[Simple]:
        words = list[Word]()
        assigned = list[tuple[str, Word]]()
        redirects = list[Redirect]()
        inner = list[Simple]()
        text: Word | None = None
        if node.type != "command":
            words.append(Word(_text(node.children[0])))
        for child in node.children:
            match child.type:
                case "command_name":
                    words.append(self._gathered(child.children[0], scope, inner))
                case "variable_assignment":
                    pair, within = self._assignment(child, scope)
                    assigned.append(pair)
                    inner += within
                case "variable_name":
                    words.append(Word(_text(child)))
                case "file_redirect":
                    redirects.append(self._redirect(child, scope, inner))
                case "herestring_redirect":
                    text = self._gathered(child.children[-1], scope, inner)
                case kind if kind in _WORDS:
                    words.append(self._gathered(child, scope, inner))
                case _:
                    inner += self._below(child, scope)
        yield from inner
        yield Simple(
            words=tuple(words),
            assigned=tuple(assigned),
            redirects=tuple(redirects),
            inner=tuple(inner),
            text=text,
            scope=scope,
        )

    def _redirected(self, node: "Node", scope: tuple[int, ...]) -> Iterator[Simple]:
        """Yield the commands of a statement; what is written by all of it belongs to the last of them."""
        found, redirects, inner, rest = list[Simple](), list[Redirect](), list[Simple](), list["Node"]()
        text: Word | None = None
        for child in node.children:
            match child.type:
                case "file_redirect":
                    redirects.append(self._redirect(child, scope, inner))
                case "herestring_redirect":
                    text = self._gathered(child.children[-1], scope, inner)
                case "heredoc_redirect":
                    text = self._document(child, scope, inner, redirects, rest)
                case _:
                    found += self.commands(child, scope)
        yield from inner
        last = found.pop() if found else Simple(scope=scope)
        yield from found
        whole = Simple(
            words=last.words,
            assigned=last.assigned,
            redirects=(*last.redirects, *redirects),
            upstream=last.upstream,
            inner=(*last.inner, *inner),
            text=text or last.text,
            scope=last.scope,
        )
        yield whole
        for each in rest:  # `cat <<EOF | sh`: what follows on the first line hangs below the document.
            yield from self._fed((*found, whole), list(self.commands(each, scope)), each)

    def _document(
        self,
        node: "Node",
        scope: tuple[int, ...],
        inner: list[Simple],
        redirects: list[Redirect],
        rest: "list[Node]",
    ) -> Word:
        text, sure = "", True
        for child in node.children:
            match child.type:
                case "heredoc_body":
                    text = _text(child)
                    within = list(self._below(child, scope))
                    quoted = any(c.type == "heredoc_start" and _text(c)[:1] in "'\"\\" for c in node.children)
                    sure = quoted or not any(c.type in _WORDS for c in child.children)
                    inner += within
                case "file_redirect":
                    redirects.append(self._redirect(child, scope, inner))
                case "pipeline" | "command" | "list" | "redirected_statement" | "compound_statement":
                    rest.append(child)
                case kind if kind in _WORDS:
                    pass  # An argument behind the document: nothing that could be judged by it.
                case _:
                    pass
        return Word(text, sure)

    def _fed(self, before: tuple[Simple, ...], commands: list[Simple], node: "Node") -> Iterator[Simple]:
        piped = node.type == "pipeline" or (node.prev_sibling is not None and node.prev_sibling.type == "|")
        for index, command in enumerate(commands):
            if piped and index == 0:
                yield _with_upstream(command, before)
            elif piped:
                yield _with_upstream(command, (*before, *command.upstream))
            else:
                yield command

    def _pipeline(self, node: "Node", scope: tuple[int, ...]) -> Iterator[Simple]:
        before = list[Simple]()
        for child in node.children:
            stage = list(self.commands(child, scope))
            for command in stage:
                yield _with_upstream(command, (*before, *command.upstream)) if before else command
            before += stage

    def _assignment(self, node: "Node", scope: tuple[int, ...]) -> tuple[tuple[str, Word], list[Simple]]:
        inner = list[Simple]()
        value = node.child_by_field_name("value")
        name = node.child_by_field_name("name")
        word = Word("") if value is None else self._gathered(value, scope, inner)
        return ("" if name is None else _text(name), word), inner

    def _redirect(self, node: "Node", scope: tuple[int, ...], inner: list[Simple]) -> Redirect:
        operator, target = "", Word("", sure=False)
        for child in node.children:
            if child.type in _WORDS:
                target = self._gathered(child, scope, inner)
            elif any(mark in child.type for mark in "<>"):
                operator += child.type
        return Redirect(operator, target)

    # Words --------------------------------------------------------------------------------------------

    def _gathered(self, node: "Node", scope: tuple[int, ...], inner: list[Simple]) -> Word:
        """Return a word, and add to `inner` the commands that it is made of."""
        self._scopes += 1
        inner += self._within(node, (*scope, self._scopes))
        return self._word(node)

    def _within(self, node: "Node", scope: tuple[int, ...]) -> Iterator[Simple]:
        if node.type in {"command_substitution", "process_substitution"}:
            yield from self._below(node, scope)
            return
        for child in node.children:
            yield from self._within(child, scope)

    def _word(self, node: "Node") -> Word:
        match node.type:
            case "word" | "number":
                return _bare(_text(node))
            case "raw_string":
                return Word(_text(node)[1:-1])
            case "ansi_c_string":
                return _ansi(_text(node))
            case "string" | "translated_string":
                return self._string(node)
            case "simple_expansion" | "expansion":
                name = _text(node).strip("${}")
                known = _KNOWN_VARIABLES.get(name)
                return Word(_text(node), sure=False) if known is None else Word(known)
            case "concatenation":
                return _joined([self._word(child) for child in node.children])
            case _:
                return Word(_text(node), sure=False)

    def _string(self, node: "Node") -> Word:
        """Return a string; what stands between the parser's pieces belongs to it."""
        parts, at = list[Word](), node.start_byte + (2 if node.type == "translated_string" else 1)
        for child in node.children:
            if child.type in {'"', "$", "string_content"}:
                continue
            parts.append(_quoted(self.source[at : child.start_byte].decode("utf-8", "replace")))
            parts.append(self._word(child))
            at = child.end_byte
        parts.append(_quoted(self.source[at : max(at, node.end_byte - 1)].decode("utf-8", "replace")))
        return _joined(parts)

    # What has no end ----------------------------------------------------------------------------------

    def _note_bomb(self, node: "Node") -> None:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        if name is None or body is None:
            return
        for pipeline in _all(body, {"pipeline"}):
            calls = [each for each in _all(pipeline, {"command_name"}) if _text(each) == _text(name)]
            if calls:
                self.bomb = f"the function {_text(name)!r} calls itself over and over in new processes"
        for command in _all(body, {"command"}):
            following, called = command.next_sibling, command.child_by_field_name("name")
            behind = following is not None and following.type == "&"
            if behind and called is not None and _text(called) == _text(name):
                self.bomb = f"the function {_text(name)!r} starts itself in the background"

    def _note_endless(self, node: "Node") -> None:
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
        if condition is None or body is None or _text(condition) not in _ENDLESS:
            return
        if any(child.type == "&" for child in body.children):
            self.bomb = "a loop without end starts processes in the background"


def _with_upstream(command: Simple, upstream: tuple[Simple, ...]) -> Simple:
    return Simple(
        words=command.words,
        assigned=command.assigned,
        redirects=command.redirects,
        upstream=upstream,
        inner=command.inner,
        text=command.text,
        scope=command.scope,
    )


def _all(node: "Node", kinds: set[str]) -> "Iterator[Node]":
    if node.type in kinds:
        yield node
    for child in node.children:
        yield from _all(child, kinds)


def _text(node: "Node") -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _bare(text: str) -> Word:
    """Return an unquoted word: backslashes taken away; stars, question marks and braces make it many."""
    out, glob, escaped = list[str](), False, False
    for character in text:
        if escaped:
            out.append("" if character == "\n" else character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            glob = glob or character in "*?["
            out.append(character)
    plain = "".join(out)
    return Word(plain, sure=not ("{" in plain and ("," in plain or ".." in plain)), glob=glob)


def _quoted(text: str) -> Word:
    for character in '"\\$`':
        text = text.replace(f"\\{character}", character)
    return Word(text.replace("\\\n", ""))


def _ansi(text: str) -> Word:
    try:
        return Word(text[2:-1].encode("latin-1", "backslashreplace").decode("unicode_escape"))
    except UnicodeDecodeError:
        return Word(text, sure=False)


def _joined(words: list[Word]) -> Word:
    text = "".join(word.text for word in words)
    braces = "{" in text and "," in text and not any(word.text == text for word in words)
    return Word(
        text, sure=all(word.sure for word in words) and not braces, glob=any(word.glob for word in words)
    )
