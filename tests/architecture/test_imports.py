"""What stays unloaded until it is used; how long the loading takes is measured in `benchmarks/`."""

import importlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Collection
from itertools import chain

import pytest

from refold.cli.main import COMMANDS
from tests.architecture.source import ROOT, modules

HEAVY = frozenset(
    ("anthropic", "anyio", "lmdb", "mcp", "openai", "pykka", "rich", "structlog", "tree_sitter", "typer")
)
LISTED = "import sys; print(*sys.modules, file=sys.stderr)"


def loaded_by(code: str) -> Collection[str]:
    """Return the names of all modules that are loaded once `code` has run in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stderr.splitlines()[-1].split()


def test_importing_refold_loads_no_store_no_actors_no_screen_and_no_model() -> None:
    assert not HEAVY & set(loaded_by(f"import refold; {LISTED}"))


def test_asking_for_help_opens_no_log_and_starts_no_actor() -> None:
    help_asked = (
        "import sys\n"
        "sys.argv = ['refold', '--help']\n"
        "from refold.cli.main import main\n"
        "try:\n"
        "    sys.exit(main())\n"
        "except SystemExit:\n"
        f"    {LISTED}\n"
    )
    assert not HEAVY & set(loaded_by(help_asked))


def test_the_vocabulary_loads_without_the_store() -> None:
    assert not HEAVY & set(loaded_by(f"import refold.eventlog.events, refold.eventlog.log; {LISTED}"))


def test_every_public_name_can_be_loaded() -> None:
    code = f"import refold; [getattr(refold, name) for name in refold.__all__]; {LISTED}"
    assert not {"anthropic", "mcp", "openai", "tree_sitter"} & set(loaded_by(code))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_where_the_command_line_looks_for_it(command: str) -> None:
    entry = COMMANDS[command]
    assert callable(getattr(importlib.import_module(entry.module), entry.function))


def test_what_is_imported_is_declared_and_what_is_required_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required, optional = project["dependencies"], project["optional-dependencies"].values()
    imported = {name.partition(".")[0] for module in modules() for name in module.imports}
    strangers = imported - {"", "refold", *sys.stdlib_module_names}
    assert _names(required) <= strangers <= _names([*required, *chain.from_iterable(optional)])


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w-]", requirement)[0].replace("-", "_") for requirement in requirements}
