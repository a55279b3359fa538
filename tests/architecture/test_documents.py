"""What the documents name exists, and what they promise runs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from refold.cli.main import COMMANDS
from refold.testing import SCENARIOS
from tests.architecture.source import ROOT

DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
)
TOPS = (
    "actors",
    "benchmarks",
    "docs",
    "eventlog",
    "examples",
    "projections",
    "refold",
    "requirements",
    "tests",
)
PATH = re.compile(rf"`((?:{'|'.join(TOPS)})/[\w./-]*)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[\w-]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    missing = [name for name in PATH.findall(text) if not (ROOT / name).exists()]
    missing += [name for name in LINK.findall(text) if not (document.parent / name).exists()]
    assert missing == []


def blocks(document: str, language: str) -> Iterator[str]:
    yield from re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL
    )


def test_the_commands_of_the_readme_are_targets_of_make() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"^make (\w+)", "".join(blocks("README.md", "sh")), re.MULTILINE)
    assert {"demo", "test"} <= set(named) <= set(targets)


def test_the_readme_lists_every_command_and_no_other() -> None:
    table = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("| exit code")[0]
    rows = [re.split(r"(?<!\\)\|", line) for line in table.splitlines() if line.startswith("|")]
    first_cells = " ".join(row[1] for row in rows)
    assert set(re.findall(r"`([a-z]+)", first_cells)) == set(COMMANDS)


def test_the_page_about_simulation_lists_every_scenario_and_no_other() -> None:
    text = (ROOT / "docs" / "simulation.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(SCENARIOS)


def test_the_python_of_the_readme_is_python() -> None:
    examples = [ast.parse(example) for example in blocks("README.md", "python")]
    assert examples


def test_every_part_of_the_architecture_states_what_it_never_does() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    code_map = text.partition("## Code Map")[2].partition("\n## ")[0]
    parts = re.split(r"^### ", code_map, flags=re.MULTILINE)[1:]
    assert len(parts) >= len(("eventlog", "projections", "actors", "refold"))
    assert [part.splitlines()[0] for part in parts if "**Architecture Invariant:**" not in part] == []
