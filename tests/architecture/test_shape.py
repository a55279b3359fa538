"""Files stay short, packages say what is in them, and nothing in them is of one machine only."""

import ast
import re
from collections.abc import Iterator
from statistics import median

import pytest

from tests.architecture.source import ROOT, Module, modules

LINES_MAX = 400
LINES_MEDIAN = 130
SOMEBODYS = re.compile(r"/(root|home/[a-z]\w*|Users/\w+)/")
ADDRESS = re.compile(r"://|^-|^\s+--(?!hash=)|@ ", re.MULTILINE)


def test_the_median_file_is_short() -> None:
    sizes = [module.lines for module in modules() if module.lines > 0 and not module.is_package]
    assert median(sizes) <= LINES_MEDIAN


@pytest.mark.parametrize("folder", ["actors", "eventlog", "projections", "refold", "tests", "benchmarks"])
def test_no_file_is_long(folder: str) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert not {str(path): lines for path, lines in lengths.items() if lines > LINES_MAX}


@pytest.mark.parametrize("module", [m for m in modules() if m.is_package], ids=repr)
def test_a_package_is_a_table_of_contents(module: Module) -> None:
    """Whatever an `__init__` imports or loads late stands in its `__all__`, in the alphabet's order."""
    contents = [ast.literal_eval(value) for name, value in _assignments(module.tree) if name == "__all__"]
    offered = {
        alias.asname or alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("refold")
        for alias in node.names
    }
    assert len(contents) <= 1
    assert bool(contents) or not offered
    for names in contents:
        assert list(names) == sorted(names, key=_ruffs_order)
        assert offered <= set(names)


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(
                ast.Name(name), value=ast.expr() as value
            ):
                yield name, value
            case _:
                pass


def _ruffs_order(name: str) -> tuple[int, str]:
    """Constants first, then classes, then functions."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)


def test_no_source_names_a_place_on_somebodys_machine() -> None:
    assert [module for module in modules() if SOMEBODYS.search(module.text)] == []


@pytest.mark.parametrize("name", ["bootstrap", "refold", "development"])
def test_the_locks_hold_names_versions_and_hashes_and_no_addresses(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert not ADDRESS.search(text)
    packages = re.split(r"\n(?=\S)", text.strip())
    assert [
        package for package in packages if not re.match(r"[\w.-]+==\S+ .*--hash=", package, re.DOTALL)
    ] == []


def test_what_runs_is_a_part_of_what_is_tested() -> None:
    pins = {
        name: set(
            re.findall(r"^[\w.-]+==\S+", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE)
        )
        for name in ("refold", "development")
    }
    assert pins["refold"] <= pins["development"]
