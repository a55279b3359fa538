"""What is handed to users: exactly the `refold` package, whole, with the demo, and no link in it."""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.architecture.source import ROOT

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".tools", ".*_cache", ".hypothesis", "*.egg-info", "__pycache__", "build", "dist"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build as a release is built: the sdist from a clean copy, the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("distribution")
    shutil.copytree(ROOT, folder / "copy", symlinks=True, ignore=LEFT_OUT)
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(folder / "copy"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def product(checkout: Path) -> Iterator[str]:
    """Yield the path of every file that a user should get, as it is installed."""
    for top in ("refold", "refold/actors", "refold/eventlog", "refold/projections"):
        for path in (checkout / top).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(checkout).as_posix()


@pytest.mark.xdist_group("distribution")
def test_the_wheel_holds_the_whole_package_and_nothing_else(built: Path) -> None:
    with ZipFile(next(built.glob("dist/*.whl"))) as wheel:
        names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(set(product(built / "copy")))


@pytest.mark.xdist_group("distribution")
def test_the_sdist_holds_the_same_package_and_no_links(built: Path) -> None:
    with tarfile.open(next(built.glob("dist/*.tar.gz"))) as sdist:
        members = [member for member in sdist.getmembers() if not member.isdir()]
    names = {member.name.partition("/")[2] for member in members}
    assert all(member.isfile() for member in members)
    assert {name for name in names if name.startswith("refold/")} == set(product(built / "copy"))
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names
    assert not {
        name for name in names if name.split("/")[0] in {"actors", "eventlog", "projections", "tests"}
    }


@pytest.mark.xdist_group("distribution")
def test_the_wheel_works_where_nothing_else_of_ours_is(built: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(next(built.glob("dist/*.whl")), tmp_path, "zip")
    code = "import refold.eventlog.events, refold.actors, refold.projections; print(refold.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).parent == tmp_path / "refold"
