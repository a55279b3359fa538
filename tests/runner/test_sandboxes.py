"""What the sandbox keeps in and out."""

import socket
from pathlib import Path

import pytest

from refold.actors.sandboxes import choose as choosing
from refold.actors.sandboxes.bubblewrap import Bubblewrap
from refold.actors.sandboxes.choose import choose
from refold.actors.sandboxes.sandbox import SandboxUnavailable
from refold.eventlog.actions import Edit
from refold.eventlog.observations import Failure
from refold.home import Home
from refold.testing.runner_contract import RealPlace

sandboxed = pytest.mark.needs_bubblewrap


@sandboxed
def test_the_workspace_is_at_its_place_and_writable(bubblewrap: RealPlace) -> None:
    bubblewrap.launch()
    assert bubblewrap.run("pwd; echo $HOME; echo made > made").content == "/workspace\n/tmp/home"
    assert (bubblewrap.workspace / "made").read_text() == "made\n"


@sandboxed
def test_nothing_else_of_the_machine_can_be_written(bubblewrap: RealPlace) -> None:
    bubblewrap.launch()
    for path in ("/made", "/usr/made", "/etc/made", "/opt/refold/executor/made", "/home/made", "/var/made"):
        assert bubblewrap.run(f"touch {path}").exit_code != 0, path
        edit = Edit(command="create", path=path, file_text="")
        assert isinstance(bubblewrap.do(edit), Failure), path
    assert bubblewrap.run("touch /tmp/made ~/made && mount -o remount,rw /usr").exit_code != 0
    assert bubblewrap.run("ls /tmp/made").exit_code == 0
    assert not Path("/tmp/made").exists()  # noqa: S108 - theirs is private


@sandboxed
def test_homes_other_temporary_files_and_the_runners_own_cannot_be_seen(
    bubblewrap: RealPlace, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("found it")
    runner = bubblewrap.launch()
    places = [
        tmp_path / "secret",
        bubblewrap.directory / "journal.jsonl",
        bubblewrap.directory / "runner.json",
    ]
    for path in (
        *places,
        bubblewrap.directory.parent,
        Path.home(),
        Path("/root"),
        Path(f"/proc/{runner.pid}"),
    ):
        assert bubblewrap.run(f"ls -d {path}").exit_code != 0, path
    assert (
        bubblewrap.run("find / -xdev -name 'journal.jsonl'; find /tmp /run /opt /var /dev . -type s").content
        == ""
    )
    assert bubblewrap.run("cat /proc/*/environ | tr '\\0' '\\n' | grep -c REFOLD_").content == "0"
    assert bubblewrap.run("cat /etc/shadow").exit_code != 0


@sandboxed
def test_the_home_is_hidden_even_beneath_the_workspace(bubblewrap: RealPlace) -> None:
    bubblewrap.launch(workspace=bubblewrap.base)
    assert bubblewrap.run("ls -A home; touch home/made").content == ""
    assert not (bubblewrap.base / "home" / "made").exists()
    assert bubblewrap.run("ls").content.split() == ["home", "workspace"]


@sandboxed
def test_the_log_is_hidden_even_from_who_works_in_the_home(bubblewrap: RealPlace) -> None:
    home = Home(bubblewrap.base / "home")
    home.log_path.mkdir(parents=True)
    home.workspace("other").mkdir(parents=True)
    (home.log_path / "records").touch()
    bubblewrap.launch(workspace=home.path, hidden=home.hidden)
    assert bubblewrap.run("ls -A log sessions; touch log/made made").content.split() == ["log:", "sessions:"]
    assert (home.path / "made").exists()
    assert not (home.log_path / "made").exists()


@sandboxed
def test_the_network_is_out_of_reach_unless_asked_for(bubblewrap: RealPlace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        knock = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}"
        bubblewrap.launch()
        assert bubblewrap.run(f"({knock})").exit_code != 0
        assert (
            bubblewrap.run("python3 -c 'import socket; socket.create_server((\"localhost\", 0))'").exit_code
            == 0
        )
        bubblewrap.end()
        bubblewrap.launch(epoch=9, network=True)
        assert bubblewrap.run(f"({knock})").exit_code == 0
        assert bubblewrap.run("test -r /etc/resolv.conf || ! test -e /etc/resolv.conf").exit_code == 0


@sandboxed
def test_a_python_is_always_there(bubblewrap: RealPlace) -> None:
    bubblewrap.launch()
    assert bubblewrap.run("python3 -c 'print(6 * 7)'").content == "42"
    own = "LD_LIBRARY_PATH=/opt/refold/python/lib /opt/refold/bin/python3"
    assert bubblewrap.run(f"{own} -c 'import ssl, sqlite3; print(6 * 7)'").content == "42"


@sandboxed
def test_commands_see_only_their_own_processes_and_a_plain_environment(bubblewrap: RealPlace) -> None:
    bubblewrap.launch(environment={"NAMED": "value"})
    assert bubblewrap.run("ps -e -o comm= | sort | uniq | tr '\\n' ' '").exit_code == 0
    names = bubblewrap.run("env | cut -d= -f1 | sort").content.split()
    plain = "_ GIT_PAGER HOME LANG LD_LIBRARY_PATH MANPAGER OLDPWD PAGER PATH PWD SHELL SHLVL TERM TMPDIR"
    assert set(names) <= {"NAMED", *plain.split()}


def test_local_does_not_inherit_the_drivers_environment(
    local: RealPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIVATE", "of the driver")
    local.launch(environment={"NAMED": "value"})
    assert local.run('echo "${PRIVATE-unset} $NAMED"').content == "unset value"


def test_local_says_that_it_does_not_isolate() -> None:
    sandbox, warning = choose("local")
    assert not sandbox.isolated
    assert warning is not None
    assert "not isolated" in warning
    assert "\n" not in warning


@sandboxed
def test_bubblewrap_is_the_default_where_it_works() -> None:
    sandbox, warning = choose()
    assert sandbox.name == "bubblewrap"
    assert warning is None


def test_without_bubblewrap_the_default_is_local_with_one_line_that_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Missing(Bubblewrap):
        def unavailable(self) -> str | None:
            return "bwrap is not installed"

    monkeypatch.setitem(choosing.SANDBOXES, "bubblewrap", Missing())
    sandbox, warning = choose()
    assert sandbox.name == "local"
    assert warning is not None
    assert "bwrap is not installed" in warning
    assert "\n" not in warning
    with pytest.raises(SandboxUnavailable, match="bwrap is not installed"):
        choose("bubblewrap")
    with pytest.raises(SandboxUnavailable, match="there is no sandbox 'podman'"):
        choose("podman")
