"""`docs/behaviour.md`: the rules of `rules.toml`, each with the tests that are named after it."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "behaviour.md"
RULES = Path(__file__).with_name("rules.toml")
RULE_COUNT = 53

_NAMED = re.compile(r"test_b(\d\d)_(\w+)")
_HEADING_OR_ROW = re.compile(r"^### B(\d+)$|^- \[([\w ]+)\]\(\.\./(\S+)\)$", re.MULTILINE)
_HEAD = """\
# What a Session Does

The rules that a session of Refold keeps, each with the tests that show it. A test is named after its rule:
what shows B7 is called `test_b07_…`. `make documents` makes this page of `tests/documents/rules.toml` and of
the tests that it finds; a rule without a test fails `make test`.
"""


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """`open` as long as no test shows it."""

    says: str
    open: bool = False


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    title: str
    rules: dict[int, Rule]


class _Parts(Struct, frozen=True, forbid_unknown_fields=True):
    part: tuple[Part, ...]


class Shown(Struct, frozen=True, order=True):
    """A test of a rule: where it stands, and its name."""

    path: str
    name: str


def parts() -> tuple[Part, ...]:
    """Return the rules as they are written down, part by part."""
    return msgspec.convert(tomllib.loads(RULES.read_text()), _Parts, str_keys=True).part


def rules() -> dict[int, Rule]:
    return {number: rule for part in parts() for number, rule in part.rules.items()}


@cache
def tests_by_rule() -> Mapping[int, tuple[Shown, ...]]:
    """Return the tests in the tree that are named after a rule, those of contract classes included."""
    found: defaultdict[int, set[Shown]] = defaultdict(set)
    for folder in ("tests", "refold/testing"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    named = _NAMED.fullmatch(node.name)
                    if named is not None:
                        found[int(named[1])].add(Shown(place, node.name))
    return {number: tuple(sorted(shown)) for number, shown in found.items()}


def behaviour() -> str:
    """Return the document."""
    text = [_HEAD]
    for part in parts():
        text.append(f"\n## {part.title}\n")
        for number, rule in part.rules.items():
            text.append(f"\n### B{number}\n\n{rule.says}\n\n")
            shown = tests_by_rule().get(number, ())
            text += (f"- [{_sentence(test.name)}](../{test.path})\n" for test in shown)
            text += ["- **no test shows it yet**\n"] if rule.open else []
    return "".join(text)


def listed(document: str) -> dict[int, frozenset[Shown]]:
    """Return the tests that a document names, by rule."""
    found: dict[int, set[Shown]] = {}
    number = 0
    for heading, sentence, path in _HEADING_OR_ROW.findall(document):
        if heading:
            number = int(heading)
            found[number] = set()
        else:
            found[number].add(Shown(path, f"test_b{number:02}_{sentence.replace(' ', '_')}"))
    return {number: frozenset(shown) for number, shown in found.items()}


def wording(document: str) -> list[str]:
    """Return what a document says beside the tests that it names."""
    return [line for line in document.splitlines() if line and not line.startswith("- [")]


def _sentence(name: str) -> str:
    return name.split("_", 2)[2].replace("_", " ")
