"""Imports run refold -> actors -> projections -> eventlog, never back up, and under one name each."""

import subprocess
import sys

import pytest

from tests.architecture.source import LAYERS, ROOT, Module, by_name, layer, modules

MODEL_CLIENTS = ("openai", "anthropic")


@pytest.mark.parametrize("module", modules(), ids=repr)
def test_imports_never_run_back_up(module: Module) -> None:
    ours = module.imports & by_name().keys()
    upward = {name for name in ours if name != "refold" and layer(name) > module.layer}
    assert not upward


EXECUTOR, KEEPER = (
    [module for module in modules() if module.name.startswith(f"refold.actors.runner.{half}.")]
    for half in ("executor", "keeper")
)
"""The halves of the runner, which start as plain folders of modules, without the rest of us."""


@pytest.mark.parametrize("module", [m for m in modules() if m not in (*EXECUTOR, *KEEPER)], ids=repr)
def test_modules_are_imported_by_their_full_names(module: Module) -> None:
    wrong = {name for name in module.imports if name.startswith(".") or name.split(".")[0] in LAYERS[:-1]}
    assert not wrong


@pytest.mark.parametrize("module", [*EXECUTOR, *KEEPER], ids=repr)
def test_the_runner_needs_nothing_but_the_standard_library_and_itself(module: Module) -> None:
    others = {name for name in module.imports if name.split(".")[0] not in sys.stdlib_module_names}
    assert not {name for name in others if not name.startswith(".") or name.startswith("...")}


@pytest.mark.parametrize("module", EXECUTOR, ids=repr)
def test_the_half_inside_the_sandbox_knows_nothing_of_the_half_outside(module: Module) -> None:
    assert not {name for name in module.imports if name.startswith("..") or "keeper" in name}


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


def test_every_folder_with_code_is_a_package() -> None:
    folders = {module.path.parent for module in modules()}
    assert not {folder for folder in folders if not (folder / "__init__.py").exists()}
