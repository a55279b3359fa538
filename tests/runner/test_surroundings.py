"""What commands find around them is what the settings say; what cannot be kept is refused in words."""

from pathlib import Path

import pytest

from refold.actors.runner.runner import LaunchFailed
from refold.eventlog.actions import Edit
from refold.eventlog.observations import Failure
from refold.eventlog.runtime_settings import Limits, Mount, RuntimeSettings
from refold.testing.runner_contract import RealPlace

sandboxed = pytest.mark.needs_bubblewrap


def limited(**limits: int) -> RuntimeSettings:
    return RuntimeSettings(limits=Limits(**limits))


def test_open_files_are_limited_for_commands_and_cannot_be_raised(place: RealPlace) -> None:
    place.launch(settings=limited(open_files=256))
    assert place.run("ulimit -n; ulimit -H -n; ulimit -n 512 2>/dev/null || echo refused").content == (
        "256\n256\nrefused"
    )


def test_files_are_limited_for_commands_and_the_editor(place: RealPlace) -> None:
    place.launch(settings=limited(file_bytes=8192))
    assert place.run("head -c 100000 /dev/zero > big").exit_code != 0
    assert (place.workspace / "big").stat().st_size <= 8192
    edited = place.do(Edit(command="create", path="text", file_text="x" * 100_000))
    assert isinstance(edited, Failure)
    assert place.run("echo fine > small; cat small").content == "fine"


def test_memory_is_limited_for_each_process(place: RealPlace) -> None:
    place.launch(settings=limited(memory_bytes=512 * 1024 * 1024))
    assert place.run("python3 -c 'bytearray(2 * 1024 ** 3)'").exit_code != 0
    assert place.run("python3 -c 'print(6 * 7)'").content == "42"


def test_processor_time_is_limited_for_each_process(place: RealPlace) -> None:
    place.launch(settings=limited(cpu_s=1))
    assert place.run("ulimit -t").content == "1"
    assert place.run("python3 -c 'while True: pass'", timeout=60).exit_code > 128  # type: ignore[operator]


def test_without_limits_nothing_is_limited(local: RealPlace) -> None:
    local.launch()
    assert local.run("ulimit -t; ulimit -f").content == "unlimited\nunlimited"


@sandboxed
def test_mounts_are_seen_where_they_were_asked_for(bubblewrap: RealPlace, tmp_path: Path) -> None:
    for name in ("data", "shared"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(f"of {name}\n")
    bubblewrap.launch(
        settings=RuntimeSettings(
            mounts=(
                Mount(str(tmp_path / "data"), "/data"),
                Mount(str(tmp_path / "shared"), "/srv/shared", writable=True),
                Mount(str(tmp_path / "data" / "file"), "/one-file"),
            )
        )
    )
    assert bubblewrap.run("cat /data/file /srv/shared/file /one-file").content == (
        "of data\nof shared\nof data"
    )
    assert bubblewrap.run("echo x > /data/file").exit_code != 0
    assert bubblewrap.run("echo mine > /srv/shared/made").exit_code == 0
    assert (tmp_path / "shared" / "made").read_text() == "mine\n"


@sandboxed
def test_a_mount_shows_nothing_of_refolds_own(bubblewrap: RealPlace) -> None:
    bubblewrap.launch(settings=RuntimeSettings(mounts=(Mount(str(bubblewrap.base), "/all"),)))
    assert bubblewrap.run("ls /all; ls -A /all/home").content.split() == ["home", "workspace"]


@sandboxed
@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("/usr", "data", "must be an absolute path"),
        ("/usr", "/a/../b", "must be an absolute path"),
        ("/usr", "/workspace", "is taken"),
        ("/usr", "/proc/1", "is taken"),
        ("/nowhere", "/data", "there is no /nowhere"),
        ("{home}/runner", "/data", "Refold's own folders"),
    ],
)
def test_a_mount_that_cannot_be_made_is_refused(
    bubblewrap: RealPlace, source: str, target: str, why: str
) -> None:
    bubblewrap.directory.mkdir(parents=True)
    mount = Mount(source.format(home=bubblewrap.base / "home"), target)
    with pytest.raises(LaunchFailed, match=why):
        bubblewrap.launch(settings=RuntimeSettings(mounts=(mount,)))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (RuntimeSettings(offline=True), "cannot keep commands from the network"),
        (RuntimeSettings(mounts=(Mount("/usr", "/data"),)), "cannot mount anything"),
        (limited(processes=10), "cannot limit processes"),
        (limited(open_files=64), "the shell needs at least 256"),
        (limited(cpu_s=0), "leaves nothing"),
    ],
)
def test_b35_local_refuses_what_only_a_sandbox_could_keep(
    local: RealPlace, settings: RuntimeSettings, why: str
) -> None:
    with pytest.raises(LaunchFailed, match=why):
        local.launch(settings=settings)
    assert not (local.directory / "runner.json").exists()


@sandboxed
def test_bubblewrap_keeps_commands_off_the_network_for_certain(bubblewrap: RealPlace) -> None:
    bubblewrap.launch(settings=RuntimeSettings(offline=True))
    assert bubblewrap.run("echo > /dev/tcp/127.0.0.1/9").exit_code != 0
