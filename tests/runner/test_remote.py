"""A runner on another machine: the same promises through TLS, whatever becomes of the line."""

import hashlib
import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec
import pytest

from refold.actors.runner.runner import LaunchFailed, RunnerLost, RunnerRefused
from refold.actors.runtimes.remote import RemoteRuntime
from refold.actors.runtimes.server import RunnerServer, Serving, ServingRefused
from refold.eventlog.actions import Edit, Run
from refold.eventlog.observations import FileEdited, RunOutput
from refold.eventlog.runtime_settings import Mount
from refold.testing.runner_contract import PATIENCE_S, RunnerContract, RuntimePlace
from tests.runner.lines import CERTIFICATE, OTHER, TOKEN, Elsewhere, Line
from tests.runner.test_keeper import await_that

SANDBOXES = ["local", pytest.param("bubblewrap", marks=pytest.mark.needs_bubblewrap)]


@pytest.fixture(params=SANDBOXES)
def elsewhere(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Elsewhere]:
    elsewhere = Elsewhere(tmp_path, request.param)
    yield elsewhere
    elsewhere.close()


@pytest.fixture
def place(elsewhere: Elsewhere) -> RuntimePlace:
    return elsewhere.place()


class TestRemoteRunner(RunnerContract):
    """Through TLS, and through a line that nobody cuts."""

    @pytest.fixture
    def place(self, elsewhere: Elsewhere) -> RuntimePlace:
        return _Moving(elsewhere)


class _Moving(RuntimePlace):
    """Looks for the keeper's folder when it is needed: the server makes it."""

    def __init__(self, elsewhere: Elsewhere) -> None:
        made = elsewhere.place()
        super().__init__(made.runtime, made.spec, kept=made.kept, workspace=made.workspace)
        elsewhere.places.append(self)
        self._elsewhere = elsewhere

    def lose(self) -> None:
        self.kept = self._elsewhere.kept
        super().lose()


def test_a_line_that_is_cut_in_mid_command_is_mended_and_the_command_runs_once(
    elsewhere: Elsewhere, place: RuntimePlace
) -> None:
    runner = place.launch()
    command = (
        "echo started >> starts; echo before; mkfifo door; echo here > at-door; read x < door; echo after"
    )
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command=command))
        await_that((place.workspace / "at-door").exists, "the command starts")
        dialled = elsewhere.line.dialled
        elsewhere.line.cut()
        await_that(lambda: elsewhere.line.dialled > dialled, "the driver dials again")
        (place.workspace / "door").write_text("go\n")
        observation = answer.result(PATIENCE_S)
    assert isinstance(observation, RunOutput)
    assert observation.content == "before\nafter"
    assert (place.workspace / "starts").read_text() == "started\n"


def test_a_command_that_ends_while_the_line_is_down_is_collected_afterwards(
    elsewhere: Elsewhere, place: RuntimePlace
) -> None:
    runner = place.launch()
    command = (
        "echo started >> starts; mkfifo door; echo here > at-door; read x < door; echo after; touch ended"
    )
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command=command))
        await_that((place.workspace / "at-door").exists, "the command starts")
        elsewhere.line.down = True
        elsewhere.line.cut()
        (place.workspace / "door").write_text("go\n")
        await_that((place.workspace / "ended").exists, "the command ends")
        elsewhere.line.down = False
        observation = answer.result(PATIENCE_S)
    assert isinstance(observation, RunOutput)
    assert observation.content == "after"
    assert (place.workspace / "starts").read_text() == "started\n"


def test_b16_a_line_that_stays_down_is_told_as_a_loss_and_the_runner_still_has_the_result(
    elsewhere: Elsewhere,
) -> None:
    place = elsewhere.place(patience_s=0.2)
    runner = place.launch()
    with ThreadPoolExecutor() as pool:
        command = (
            "echo started >> starts; echo here > at-door; until [ -e go ]; do sleep 0.02; done; touch ended"
        )
        answer = pool.submit(runner.execute, "a", "digest", Run(command=command))
        await_that((place.workspace / "at-door").exists, "the command starts")
        elsewhere.line.down = True
        elsewhere.line.cut()
        with pytest.raises(RunnerLost, match="was tried again for"):
            answer.result(PATIENCE_S)
        with pytest.raises(RunnerLost):
            runner.ask("a")
    (place.workspace / "go").touch()
    await_that((place.workspace / "ended").exists, "the command ends")
    elsewhere.line.down = False
    again = place.connect(epoch=2)
    assert again is not None
    observation = again.collect_or_execute("a", "digest", Run(command=command), "first")
    assert isinstance(observation, RunOutput)
    assert (place.workspace / "starts").read_text() == "started\n"


def test_many_who_wait_on_one_line_are_all_answered_after_it_was_cut(
    elsewhere: Elsewhere, place: RuntimePlace
) -> None:
    runner = place.launch()
    with ThreadPoolExecutor(8) as pool:
        command = "echo here > at-door; until [ -e go ]; do sleep 0.02; done"
        answers = [pool.submit(runner.execute, "first", "digest", Run(command=command))]
        answers += [
            pool.submit(runner.execute, f"k{n}", "digest", place.leave_trace(f"k{n}")) for n in range(6)
        ]
        await_that((place.workspace / "at-door").exists, "the command starts")
        for _ in range(3):
            dialled = elsewhere.line.dialled
            elsewhere.line.cut()
            await_that(partial(elsewhere.line.is_dialled_after, dialled), "the driver dials again")
        (place.workspace / "go").touch()
        assert all(isinstance(answer.result(PATIENCE_S), RunOutput) for answer in answers)
    assert [place.traces(f"k{n}") for n in range(6)] == [1] * 6


def test_a_runner_outlives_its_server_and_is_found_by_the_next_one(
    elsewhere: Elsewhere, place: RuntimePlace
) -> None:
    runner = place.launch()
    runner.execute("a", "digest", Run(command="kept=here"))
    elsewhere.restart()
    observation = runner.execute("b", "digest", Run(command="echo $kept"))
    assert observation.content == "here"
    assert place.runtime.is_alive(place.spec)
    runner.end()
    assert not place.runtime.is_alive(place.spec)


def test_megabytes_pass_both_ways_through_tls(elsewhere: Elsewhere, place: RuntimePlace) -> None:
    text = "ü\u2028 " * 1_500_000
    made = place.launch().execute("a", "digest", Edit(command="create", path="big", file_text=text))
    assert isinstance(made, FileEdited)
    assert (place.workspace / "big").read_text() == text
    assert elsewhere.tls


def test_a_certificate_is_pinned_by_its_fingerprint(elsewhere: Elsewhere) -> None:
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(CERTIFICATE.read_text())).hexdigest()
    place = elsewhere.place(ca_file=None, fingerprint=f"SHA256:{digest.upper()}")
    assert place.launch().execute("a", "digest", Run(command="echo fine")).content == "fine"


@pytest.mark.parametrize(
    "pin", [{"ca_file": str(OTHER)}, {"ca_file": None, "fingerprint": "00" * 32}, {"ca_file": None}]
)
def test_a_server_with_another_certificate_never_sees_the_token(
    tmp_path: Path, pin: dict[str, str | None]
) -> None:
    elsewhere = Elsewhere(tmp_path)
    try:
        with pytest.raises(RunnerRefused, match="is not the one that was meant"):
            RemoteRuntime().find(elsewhere.spec(**pin))
    finally:
        elsewhere.close()


@pytest.mark.parametrize("tls", [True, False])
def test_whoever_lacks_the_token_learns_nothing(tmp_path: Path, *, tls: bool) -> None:
    elsewhere = Elsewhere(tmp_path, tls=tls)
    try:
        spec = msgspec.structs.replace(elsewhere.spec(), driver={"TOKEN": "wrong"})
        with pytest.raises(RunnerLost, match="takes another token"):
            RemoteRuntime().find(spec)
        with pytest.raises(LaunchFailed, match="takes another token"):
            RemoteRuntime().launch(spec)
        assert list((tmp_path / "served").iterdir()) == []
        if not tls:
            for said in (b"\n", b"x" * 100_000, TOKEN.encode()[:-1] + b"\n", b'{"do": "alive"}\n'):
                assert _heard(elsewhere.server.port, said) == b""
            assert b"refused" in _heard(
                elsewhere.server.port, TOKEN.encode() + b'\n{"do":"x","scope":"","session":"s"}\n'
            )
    finally:
        elsewhere.close()


def _heard(port: int, said: bytes) -> bytes:
    heard = b""
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.settimeout(PATIENCE_S)
        try:
            link.sendall(said)
            while data := link.recv(1024):
                heard += data
        except ConnectionError:
            pass
    return heard


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"address": ""}, "Name its address"),
        ({"address": "tcp://192.0.2.1:9"}, "without TLS the token"),
        ({"address": "https://127.0.0.1:9"}, "is no runner's address"),
        ({"address": "tls://127.0.0.1"}, "is no runner's address"),
        ({"ca_file": "/nowhere/ca.pem"}, "there is no file /nowhere/ca.pem"),
        ({"token_env": "UNSET"}, "set the environment variable UNSET"),
        ({"token_file": "/nowhere/token"}, "the runner's token cannot be read"),
    ],
)
def test_what_cannot_be_reached_so_is_refused_in_words(
    tmp_path: Path, change: dict[str, str], why: str
) -> None:
    elsewhere = Elsewhere(tmp_path)
    try:
        refusal = RemoteRuntime().refusal(elsewhere.spec(**change))
        assert refusal is not None
        assert why in refusal
    finally:
        elsewhere.close()


def test_mounts_of_this_machine_are_refused_elsewhere(tmp_path: Path) -> None:
    elsewhere = Elsewhere(tmp_path)
    spec = elsewhere.spec()
    settings = msgspec.structs.replace(spec.settings, mounts=(Mount("/usr", "/data"),))
    refusal = RemoteRuntime().refusal(msgspec.structs.replace(spec, settings=settings))
    elsewhere.close()
    assert refusal is not None
    assert "put it into the workspace" in refusal


def test_nobody_serves_without_tls_where_others_can_come(tmp_path: Path) -> None:
    with pytest.raises(ServingRefused, match=r"give --cert and --key"):
        RunnerServer(
            Serving(
                host="0.0.0.0",  # noqa: S104 - it is refused
                port=0,
                token=TOKEN,
                folder=tmp_path / "a",
                workspaces=tmp_path / "b",
                sandbox="local",
            )
        )


def test_a_workspace_elsewhere_stays_below_the_servers_own(elsewhere: Elsewhere) -> None:
    (elsewhere.base / "outside").mkdir()
    (elsewhere.workspaces / "way-out").symlink_to(elsewhere.base / "outside")
    for name in ("..", "a/../../b", "/etc", "way-out", ""):
        spec = elsewhere.spec(workspace=name or ".hidden")
        with pytest.raises(RunnerRefused, match="workspaces"):
            RemoteRuntime().launch(spec)
    assert list((elsewhere.base / "outside").iterdir()) == []


def test_sessions_of_one_name_in_two_homes_do_not_meet(elsewhere: Elsewhere) -> None:
    here = elsewhere.place(workspace=None)
    there = elsewhere.place(workspace=None)
    there.spec = msgspec.structs.replace(there.spec, scope="another log/s")
    here.launch().execute("a", "digest", Run(command="echo mine > mine"))
    assert there.launch().execute("a", "digest", Run(command="ls")).content == ""


def test_b35_a_runner_elsewhere_that_isolates_nothing_says_so(
    elsewhere: Elsewhere, place: RuntimePlace
) -> None:
    reached = place.runtime.launch(place.spec)
    place.runtime.find(place.spec)
    reached.runner.close()
    if elsewhere.sandbox == "local":
        assert "not isolated" in reached.notice
        assert reached.workspace == str(place.workspace)
    else:
        assert reached.notice == ""
        assert reached.workspace == "/workspace"


def test_the_token_is_nowhere_on_disk_and_in_no_command_line(
    elsewhere: Elsewhere, place: RuntimePlace
) -> None:
    runner = place.launch()
    listing = runner.execute(
        "a", "digest", Run(command="cat /proc/*/cmdline /proc/*/environ | tr '\\0' ' '; env")
    )
    assert TOKEN not in listing.content or elsewhere.sandbox == "local"
    pid = json.loads((elsewhere.kept / "runner.json").read_bytes())["pid"]
    for name in ("cmdline", "environ"):
        assert TOKEN.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
    for folder, _, names in os.walk(elsewhere.base):
        for name in names:
            if (file := Path(folder) / name).is_file():
                assert TOKEN.encode() not in file.read_bytes()


def test_a_driver_that_let_go_is_answered_at_once_though_the_line_is_down(tmp_path: Path) -> None:
    elsewhere = Elsewhere(tmp_path)
    place = elsewhere.place()
    runner = place.launch()
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(runner.execute, "a", "digest", Run(command="echo x > at-door; sleep 1000"))
        await_that((place.workspace / "at-door").exists, "the command starts")
        elsewhere.line.down = True
        elsewhere.line.cut()
        runner.close()
        with pytest.raises(RunnerLost):
            answer.result(PATIENCE_S)
    elsewhere.close()


def test_a_line_ends_without_a_thread_left(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    elsewhere = Elsewhere(tmp_path)
    elsewhere.place().launch().execute("a", "digest", Run(command="echo x"))
    elsewhere.close()
    await_that(lambda: set(threading.enumerate()) <= before, "all threads are gone")
    assert isinstance(elsewhere.line, Line)
