"""Deciders, projections and formats are pure, and so is everything that they can reach.

Pure is what could be run again tomorrow on another machine with the same result: no clock, chance, I/O,
logging or threads, nor anything that could bring them. What may be imported is listed; nothing else may.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Module, modules, reached_from

HARMLESS = frozenset((
    "__future__", "abc", "ast", "base64", "binascii", "bisect", "collections", "contextlib", "copy",
    "dataclasses", "datetime", "decimal", "difflib", "enum", "fnmatch", "fractions", "functools",
    "hashlib", "heapq", "html", "itertools", "json", "keyword", "math", "msgspec", "numbers", "operator",
    "posixpath", "re", "shlex", "string", "struct", "textwrap", "types", "typing", "unicodedata",
))  # fmt: skip
"""What pure code may import of others; of `pathlib` it may have the pure paths."""

WORLDLY_CALLS = frozenset((
    "breakpoint", "compile", "eval", "exec", "globals", "hash", "id", "input", "open", "print", "vars",
    "__import__",
))  # fmt: skip
"""Builtins that reach out of the process, or (`hash`, `id`) differ between two runs."""

WORLDLY_METHODS = frozenset(("now", "utcnow", "today"))

NOUNS = frozenset(("session", "controller", "memory", "runtime", "delegation", "start"))
"""Each actor's folder; all of it is pure except the actor, and what its errands do in the world."""

DECIDERS = frozenset(("decide.py", "due.py", "evolve.py", "state.py"))


def is_pure_by_place(module: Module) -> bool:
    place = module.name.split(".")[1:]
    match place:
        case ["eventlog", "formats", "detect"]:
            return False  # opens the file or folder that the others are handed as text
        case ["projections", _, *_] | ["eventlog", "formats", _, *_]:
            return True
        case ["actors", noun, _] if noun in NOUNS:
            return module.path.name in DECIDERS or module.path.name.startswith("decide")
        case _:
            return False


PURE = [module for module in modules() if is_pure_by_place(module)]


@pytest.mark.parametrize("noun", sorted(NOUNS))
def test_every_actor_has_its_decider(noun: str) -> None:
    names = {module.path.name for module in PURE if module.name.startswith(f"refold.actors.{noun}.")}
    assert {"decide.py", "evolve.py", "state.py"} <= names


@pytest.mark.parametrize("module", PURE, ids=repr)
def test_deciders_projections_and_formats_are_pure(module: Module) -> None:
    assert [f"{each!r}: {fault}" for each in reached_from(module) for fault in _faults(each.tree)] == []


@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "import os.path",
        "from pathlib import Path",
        "from threading import Thread",
        "def late():\n    import random",
        "started = datetime.now(UTC)",
        "open('notes')",
        "hash(name)",
        "def count():\n    global total",
    ],
)
def test_what_could_differ_tomorrow_is_seen(code: str) -> None:
    assert list(_faults(ast.parse(code)))


def _faults(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (f"imports {a.name}" for a in names if not _harmless(a.name))
            case ast.ImportFrom("pathlib", names):
                yield from (f"imports pathlib.{a.name}" for a in names if not a.name.startswith("Pure"))
            case ast.ImportFrom(str(source)) if not _harmless(source):
                yield f"imports {source}"
            case ast.Call(ast.Name(name)) if name in WORLDLY_CALLS:
                yield f"line {node.lineno}: calls {name}"
            case ast.Call(ast.Attribute(_, name)) if name in WORLDLY_METHODS:
                yield f"line {node.lineno}: calls .{name}"
            case ast.Global(names):
                yield f"line {node.lineno}: changes {', '.join(names)} of its module"
            case _:
                pass


def _harmless(name: str) -> bool:
    top = name.partition(".")[0]
    return top in HARMLESS or top == "refold"
