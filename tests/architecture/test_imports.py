"""What stays unloaded until it is used; how long the loading takes is measured in `benchmarks/`."""

import importlib
import subprocess
import sys
from collections.abc import Collection

import pytest

from refold.cli.main import COMMANDS

HEAVY = frozenset(("anthropic", "cyclopts", "lmdb", "openai", "pykka", "rich", "structlog"))
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
    assert not {"anthropic", "lmdb", "openai", "pykka", "structlog"} & set(loaded_by(help_asked))


def test_the_vocabulary_loads_without_the_store() -> None:
    assert not HEAVY & set(loaded_by(f"import refold.eventlog.events, refold.eventlog.log; {LISTED}"))


def test_every_public_name_can_be_loaded() -> None:
    code = f"import refold; [getattr(refold, name) for name in refold.__all__]; {LISTED}"
    assert not {"anthropic", "openai"} & set(loaded_by(code))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_where_the_command_line_looks_for_it(command: str) -> None:
    entry = COMMANDS[command]
    assert callable(getattr(importlib.import_module(entry.module), entry.function))
