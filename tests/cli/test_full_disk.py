"""A disk without room stops a session with a clear error, and loses nothing that was acknowledged."""

import subprocess
from pathlib import Path

import pytest

from refold.home import Home
from refold.look import reading
from tests.cli.terminal import FINISH, Terminal, bash


def test_a_full_disk_stops_with_a_clear_error_and_room_lets_it_go_on(
    terminal: Terminal, tmp_path: Path
) -> None:
    small = terminal.home
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=420k", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs is not permitted here")
    try:
        workspace = tmp_path / "workspace"
        workspace.mkdir()
        answers = [bash(f"echo {number}; # {'x' * 6000}") for number in range(30)]
        model = terminal.script(*answers, FINISH)
        done = terminal.run("run", "--session", "s", "--workspace", str(workspace), *model, "go", "--json")
        assert done.returncode == 1
        assert "no room" in done.stderr
        before = terminal.records("s")
        assert len(before) >= len(done.stdout.splitlines()) > 0
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        assert terminal.run("resume", "s").returncode == 0
        with reading(Home(small)) as log:
            digests = [record.digest.hex() for record in log.read("s")]
        assert digests[: len(before)] == [record["digest"] for record in before]
        assert [o["content"] for o in terminal.observations("s")][:30] == [str(n) for n in range(30)]
        assert terminal.run("audit").returncode == 0
    finally:
        terminal.run("doctor", "--reap")
        subprocess.run(["umount", str(small)], check=True)
