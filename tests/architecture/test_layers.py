"""Imports run refold -> actors -> projections -> eventlog, never back up, and under one name each."""

import subprocess
import sys
from collections.abc import Callable, Iterable

import pytest

from tests.architecture.source import LAYERS, ROOT, Module, by_name, layer, modules

MODEL_CLIENTS = ("openai", "anthropic")


def test_imports_never_run_back_up() -> None:
    assert _each(modules(), lambda name, module: name in by_name() and layer(name) > module.layer) == {}


EXECUTOR, KEEPER = (
    [module for module in modules() if module.name.startswith(f"refold.actors.runner.{half}.")]
    for half in ("executor", "keeper")
)
"""The halves of the runner, which start as plain folders of modules, without the rest of us."""


def test_modules_are_imported_by_their_full_names() -> None:
    others = [module for module in modules() if module not in (*EXECUTOR, *KEEPER)]
    assert _each(others, lambda name, _: name.startswith(".") or _top(name) in LAYERS[:-1]) == {}


def test_the_runner_needs_nothing_but_the_standard_library_and_itself() -> None:
    halves = ("", *sys.stdlib_module_names)
    assert EXECUTOR
    assert KEEPER
    assert (
        _each([*EXECUTOR, *KEEPER], lambda name, _: _top(name) not in halves or name.startswith("...")) == {}
    )


def test_the_half_inside_the_sandbox_knows_nothing_of_the_half_outside() -> None:
    assert _each(EXECUTOR, lambda name, _: name.startswith("..") or "keeper" in name) == {}


@pytest.mark.parametrize("package", LAYERS[:-1])
def test_a_package_refuses_to_load_under_another_name(package: str) -> None:
    tried = subprocess.run(
        [sys.executable, "-c", f"import {package}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert tried.returncode == 1
    assert f"ImportError: import refold.{package}, not" in tried.stderr


@pytest.mark.parametrize("package", LAYERS[:-1])
def test_the_front_door_links_each_package_relatively(package: str) -> None:
    link = ROOT / "refold" / package
    assert link.is_symlink()
    assert str(link.readlink()) == f"../{package}"


@pytest.mark.parametrize("client", MODEL_CLIENTS)
def test_only_its_own_adapter_knows_a_model_client(client: str) -> None:
    users = {module for module in modules() if any(name.split(".")[0] == client for name in module.imports)}
    strangers = {m for m in users if "models" not in m.path.parts or client not in m.path.name}
    assert not strangers


def _top(name: str) -> str:
    return name.partition(".")[0]


def _each(those: Iterable[Module], wrong: Callable[[str, Module], bool]) -> dict[Module, set[str]]:
    """Return what is imported wrongly, by module; modules that do nothing wrong are left out."""
    found = {module: {name for name in module.imports if wrong(name, module)} for module in those}
    return {module: names for module, names in found.items() if names}


def test_every_folder_with_code_is_a_package() -> None:
    folders = {module.path.parent for module in modules()}
    assert not {folder for folder in folders if not (folder / "__init__.py").exists()}
